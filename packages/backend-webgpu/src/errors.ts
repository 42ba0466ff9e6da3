// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('backend-webgpu', {
  notInstalled: ({ folder }: { folder: string }) => ({
    what: 'the package webgpu is not installed',
    where: folder,
    fix: 'npm install webgpu@0.6.2 (Dawn’s binaries for Linux, Windows and macOS, some 50 MB), or leave out backend=webgpu',
  }),
  notLoadable: ({ file, reason }: { file: string; reason: string }) => ({
    what: 'the package webgpu does not load',
    where: file,
    got: reason,
    expected: 'webgpu 0.6.2 on Linux (x64, arm64), Windows (x64, arm64) or macOS',
    fix: 'npm install webgpu@0.6.2, or run with backend=auto',
  }),
  noAdapter: ({ system }: { system: string }) => ({
    what: 'no driver offers a GPU to WebGPU',
    got: `no adapter (${system})`,
    expected: 'a GPU with a Vulkan driver on Linux, Direct3D 12 on Windows, Metal on macOS',
    fix: 'install the GPU’s driver (on Linux also the package libvulkan1; vulkaninfo lists what it finds), or run with backend=auto',
  }),
  softwareOnly: ({ adapter }: { adapter: string }) => ({
    what: 'WebGPU found no GPU, only a driver that computes on the processor',
    got: adapter,
    expected: 'a GPU, or backend.software=true',
    fix: 'run with backend=auto, which is faster; backend.software=true computes on it all the same',
  }),
  startFailed: ({ adapter, reason }: { adapter: string; reason: string }) => ({
    what: 'the GPU was found, but gave no device',
    where: adapter,
    got: reason,
    fix: 'close other programs that use the GPU, update its driver, or run with backend=auto',
  }),
  deviceLost: ({ adapter, reason }: { adapter: string; reason: string }) => ({
    what: 'the GPU was lost: what it computed since the last checkpoint is gone',
    where: adapter,
    got: reason,
    expected: 'a device that lives as long as the run; drivers reset one that hangs, sleeps or runs out of memory',
    fix: 'run the same command with --resume: it continues from the last checkpoint',
  }),
  deviceError: ({ adapter, reason }: { adapter: string; reason: string }) => ({
    what: 'the GPU refused a command, so that what was computed since is not to be trusted',
    where: adapter,
    got: reason,
    fix: 'if it is out of memory, take fewer tokens a microbatch (batch.tokens) and --resume; else report it with this text',
  }),
  tooLarge: ({ bytes, limit }: { bytes: number; limit: number }) => ({
    what: 'one tensor is larger than the GPU takes',
    got: `${bytes} bytes`,
    expected: `at most ${limit} bytes in one buffer; frozen weights may be larger, they are split`,
    fix: 'take fewer tokens a microbatch, or train an adapter instead of this weight',
  }),
  synchronousRead: ({ shape }: { shape: readonly number[] }) => ({
    what: 'a value on the GPU was read without waiting',
    got: `dataSync() of a tensor [${shape.join(', ')}]`,
    expected: 'await tensor.data()',
    fix: 'tell the author of the plugin that reads it',
  }),
});
