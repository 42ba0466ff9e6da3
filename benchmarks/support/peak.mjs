// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * This processor's measured limits with that many threads: `multiplyAdd` (float32), `bf16` and `tiles` in GFLOP/s, null
 * where it lacks the instruction; `read` and `copy` in GB/s.
 */
export function measuredPeak(threads) {
  const compiler = process.env.CXX ?? 'g++';
  const folder = mkdtempSync(join(tmpdir(), 'llmf-peak-'));
  try {
    const program = join(folder, 'peak');
    const source = join(import.meta.dirname, 'peak.cc');
    const flags = ['-O3', '-std=c++20', '-march=native', '-ffp-contract=fast', '-pthread', '-w'];
    execFileSync(compiler, [...flags, source, '-o', program]);
    return JSON.parse(execFileSync(program, [String(threads)], { encoding: 'utf8' }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
