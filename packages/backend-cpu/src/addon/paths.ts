// SPDX-License-Identifier: Apache-2.0
/**
 * Instruction paths, named as native/dispatch.cc does. A published binary holds all of its architecture; what is
 * compiled on a user's machine only those that its processor would take, so that a first run begins soon.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** Worst first; `amx-emulated` is taken by name only. */
export const pathsOf = (architecture: string): readonly string[] => pathsByArchitecture[architecture] ?? ['scalar'];

const pathsByArchitecture: Readonly<Record<string, readonly string[]>> = {
  x64: ['scalar', 'avx2', 'avx512', 'avx512bf16', 'amx', 'amx-emulated'],
  arm64: ['scalar', 'neon'],
};

export const allPaths: readonly string[] = pathsOf(process.arch);

/** What a processor must state as its flags (those of /proc/cpuinfo), besides those of the paths before. */
const flagsOf: Readonly<Record<string, readonly string[]>> = {
  avx2: ['avx2', 'fma', 'f16c', 'bmi1', 'bmi2'],
  avx512: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'],
  avx512bf16: ['avx512_bf16', 'avx512vbmi'],
  amx: ['amx_tile', 'amx_bf16'],
};

/** The path that LLMF_CPU_ISA names, or null. */
export const forcedPath = (): string | null => process.env['LLMF_CPU_ISA'] || null;

/**
 * Those to compile here: the one that LLMF_CPU_ISA names, or the best that this processor states; all where that is
 * not known. Beside AMX, which the system may refuse, the best without it.
 */
export function pathsToCompile(): readonly string[] {
  const forced = forcedPath();
  if (forced !== null && allPaths.includes(forced)) return [forced];
  const stated = statedPaths();
  return stated === null ? allPaths : stated.slice(stated.at(-1) === 'amx' ? -2 : -1);
}

/** Those that this processor states to run, worst first, without emulated ones; null where it cannot be asked. */
export function statedPaths(flags: ReadonlySet<string> | null = processorFlags()): readonly string[] | null {
  if (process.arch !== 'x64') return allPaths;
  if (flags === null) return null;
  const paths = ['scalar'];
  for (const [path, needed] of Object.entries(flagsOf)) {
    if (!needed.every((flag) => flags.has(flag))) break;
    paths.push(path);
  }
  return paths;
}

/** The first processor's, which stand within the first kilobytes. */
function processorFlags(): ReadonlySet<string> | null {
  const start = Buffer.alloc(16 << 10);
  try {
    const descriptor = openSync('/proc/cpuinfo', 'r');
    try {
      const line = /^flags\s*:(.*)\n/m.exec(start.toString('latin1', 0, readSync(descriptor, start)));
      return line === null ? null : new Set(line[1]!.trim().split(/\s+/));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}
