// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('backend-wasm', {
  startFailed: ({ folder, reason }: { folder: string; reason: string }) => ({
    what: 'the WebAssembly backend did not start',
    where: folder,
    got: reason,
    expected: 'the .wasm files of @tensorflow/tfjs-backend-wasm in this folder',
    fix: 'reinstall the packages, or run with backend=js',
  }),
});
