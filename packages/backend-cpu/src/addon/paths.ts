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

/** What a processor states of itself. */
export interface Processor {
  readonly vendor: string | null;
  readonly flags: ReadonlySet<string>;
}

/**
 * Those to compile here: the one that LLMF_CPU_ISA names, or the best that this processor takes by itself; all where
 * that is not known. Beside AMX, which the system may refuse, the best without it.
 */
export function pathsToCompile(processor: Processor | null = thisProcessor()): readonly string[] {
  const forced = forcedPath();
  if (forced !== null && allPaths.includes(forced)) return [forced];
  const stated = statedPaths(processor);
  if (stated === null) return allPaths;
  // As native/dispatch.cc: Intel's processors are faster through float32.
  const taken = stated.filter((path) => path !== 'avx512bf16' || processor?.vendor !== 'GenuineIntel');
  return taken.slice(taken.at(-1) === 'amx' ? -2 : -1);
}

/** Those that this processor states to run, worst first, without emulated ones; null where it cannot be asked. */
export function statedPaths(processor: Processor | null = thisProcessor()): readonly string[] | null {
  if (process.arch !== 'x64') return allPaths;
  if (processor === null) return null;
  const paths = ['scalar'];
  for (const [path, needed] of Object.entries(flagsOf)) {
    if (!needed.every((flag) => processor.flags.has(flag))) break;
    paths.push(path);
  }
  return paths;
}

/** The first one, which stands within the first kilobytes. */
function thisProcessor(): Processor | null {
  const start = Buffer.alloc(16 << 10);
  try {
    const descriptor = openSync('/proc/cpuinfo', 'r');
    try {
      const text = start.toString('latin1', 0, readSync(descriptor, start));
      const flags = /^flags\s*:(.*)\n/m.exec(text);
      if (flags === null) return null;
      return {
        vendor: /^vendor_id\s*:\s*(\S+)/m.exec(text)?.[1] ?? null,
        flags: new Set(flags[1]!.trim().split(/\s+/)),
      };
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}
