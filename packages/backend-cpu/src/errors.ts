// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('backend-cpu', {
  noCompiler: (f: { tried: readonly string[] }) => ({
    what: 'the native CPU backend has to be compiled first, and no C++ compiler was found',
    got: `none of ${f.tried.join(', ')} runs`,
    fix: 'install g++ (Debian, Ubuntu: apt install g++), name a compiler in CXX, or use `backend: wasm`',
  }),
  compile: (f: { command: string; output: string }) => ({
    what: 'compiling the native CPU backend failed',
    where: f.command,
    got: f.output,
    fix: 'a compiler with C++20 is needed (g++ 11 or clang 14, or newer); or use `backend: wasm`',
  }),
  signatures: (f: { kernel: string; got: string; expected: string }) => ({
    what: `the compiled kernel ${f.kernel} takes other arguments than this version passes`,
    got: f.got,
    expected: f.expected,
    fix: 'delete the build folder of @llmf/backend-cpu; the addon is compiled again at its next use',
  }),
  folder: (f: { folders: readonly string[]; reason: string }) => ({
    what: 'the native CPU backend has to be compiled first, and there is no folder for it',
    where: f.folders.join(', '),
    got: f.reason,
    expected: 'one of these folders to be writable',
    fix: 'set XDG_CACHE_HOME to a folder that can be written, or use `backend: wasm`',
  }),
  wait: (f: { lock: string; holder: string }) => ({
    what: 'another process has been compiling the native CPU backend for ten minutes',
    where: f.lock,
    got: f.holder,
    fix: 'look at what that process does; once it has ended, start again, or use `backend: wasm`',
  }),
  memory: (f: { reason: string }) => ({
    what: 'there is not enough memory for this computation',
    got: f.reason,
    fix: 'lower train.tokensPerPass, set train.gradientCheckpointing, or raise the limit of memory; a run continues from its newest checkpoint with --resume',
  }),
  path: (f: { wanted: string; available: string }) => ({
    what: 'LLMF_CPU_ISA names an instruction path that cannot run on this processor',
    got: f.wanted,
    expected: `one of: ${f.available}`,
    fix: 'unset LLMF_CPU_ISA, then the best one is taken',
  }),
});
