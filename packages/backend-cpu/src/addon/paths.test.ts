// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { allPaths, pathsToCompile, statedPaths } from './paths.js';

const avx2 = ['avx2', 'fma', 'f16c', 'bmi1', 'bmi2'];
const avx512 = [...avx2, 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl'];
const avx512bf16 = [...avx512, 'avx512_bf16', 'avx512vbmi'];
const amx = [...avx512bf16, 'amx_tile', 'amx_bf16'];
const processor = (flags: readonly string[], vendor = 'AuthenticAMD') => ({ vendor, flags: new Set(flags) });
const forced = process.env['LLMF_CPU_ISA'];
afterEach(() => {
  if (forced === undefined) delete process.env['LLMF_CPU_ISA'];
  else process.env['LLMF_CPU_ISA'] = forced;
});

describe.runIf(process.arch === 'x64')('the instruction paths of an x64 processor', () => {
  it('follow from its flags, worst first', () => {
    expect(statedPaths(processor(['sse2']))).toEqual(['scalar']);
    expect(statedPaths(processor(avx2))).toEqual(['scalar', 'avx2']);
    expect(statedPaths(processor(avx512bf16))).toEqual(['scalar', 'avx2', 'avx512', 'avx512bf16']);
    expect(statedPaths(processor(amx))!.at(-1)).toBe('amx');
  });

  it('end where one flag of a path is missing', () => {
    expect(statedPaths(processor(avx512.filter((flag) => flag !== 'bmi2')))).toEqual(['scalar']);
    expect(statedPaths(processor([...avx2, 'avx512_bf16']))).toEqual(['scalar', 'avx2']);
  });

  it('are unknown where the system does not state flags', () => {
    expect(statedPaths(null)).toBeNull();
  });
});

describe('what is compiled', () => {
  it('is the path that LLMF_CPU_ISA names', () => {
    process.env['LLMF_CPU_ISA'] = 'scalar';
    expect(pathsToCompile()).toEqual(['scalar']);
  });

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'is else the best alone; beside AMX one more',
    () => {
      delete process.env['LLMF_CPU_ISA'];
      expect(pathsToCompile(processor(avx2))).toEqual(['avx2']);
      expect(pathsToCompile(processor(avx512bf16))).toEqual(['avx512bf16']);
      expect(pathsToCompile(processor(avx512bf16, 'GenuineIntel'))).toEqual(['avx512']);
      expect(pathsToCompile(processor(amx, 'GenuineIntel'))).toEqual(['avx512', 'amx']);
      expect(pathsToCompile().length).toBeLessThan(allPaths.length);
    },
  );
});
