// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('backend-tfjs-node-gpu', {
  notInstalled: ({ folder }: { folder: string }) => ({
    what: '@tensorflow/tfjs-node-gpu is not installed',
    where: folder,
    fix: 'npm install @tensorflow/tfjs-node-gpu@4.22.0 (it downloads TensorFlow, some 400 MB), or leave out backend=tfjs-node-gpu',
  }),
  nativeLibraryMissing: ({ file, reason }: { file: string; reason: string }) => ({
    what: 'the native part of @tensorflow/tfjs-node-gpu does not load',
    where: file,
    got: reason,
    expected: 'the addon tfjs_binding.node with libtensorflow 2.9.1, which its install script downloads',
    fix: 'npm rebuild @tensorflow/tfjs-node-gpu, with install scripts allowed and storage.googleapis.com reachable',
  }),
  noGpu: ({ node }: { node: string }) => ({
    what: 'TensorFlow found no GPU and would compute on the CPU',
    got: `isUsingGpuDevice is false (Node.js ${node})`,
    expected: 'an NVIDIA GPU with CUDA 11.2 and cuDNN 8.1 on the library path; TensorFlow 2.9.1 uses no other version',
    fix: 'look at its messages above for the library it misses (libcudart.so.11.0, libcudnn.so.8), or run with backend=auto',
  }),
  secondTfjs: ({ theirs, ours }: { theirs: string; ours: string }) => ({
    what: '@tensorflow/tfjs-node-gpu brings a tfjs-core of its own, so its kernels would not see our tensors',
    got: `tfjs-core ${theirs} there, ${ours} in @llmf/nn`,
    expected: 'one installed copy of @tensorflow/tfjs-core, shared by both',
    fix: 'npm install @tensorflow/tfjs-node-gpu@4.22.0 && npm dedupe; then npm ls @tensorflow/tfjs-core shows one',
  }),
  startFailed: ({ current }: { current: string }) => ({
    what: 'tfjs did not switch to the TensorFlow backend',
    got: `backend ${current}`,
    expected: 'backend tensorflow',
    fix: 'look at its messages above',
  }),
});
