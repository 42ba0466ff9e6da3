// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Addon } from './addon.js';
import { bindKernels } from './bind-kernels.js';
import { buildAddon } from './build.js';
import { addonUnavailable, loadAddon, whyNotLoaded } from './load.js';

const reason = addonUnavailable();

it('a compiled file that does not load is a reason in one line, not a crash', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-corrupt-'));
  const file = join(folder, 'addon.node');
  writeFileSync(file, 'no library');
  expect(whyNotLoaded(file)).toMatch(/^the compiled .*addon\.node does not load \(.+\); once it is deleted, .*$/);
  rmSync(folder, { recursive: true });
});

describe.skipIf(reason !== null)(`the addon${reason === null ? '' : ` (${reason})`}`, () => {
  it('refuses an array that is too short, or of the wrong type, instead of reading past its end', async () => {
    const { fill } = bindKernels(await loadAddon());
    const value = 1;
    expect(() => fill({ count: 11, value, y: new Float32Array(10) })).toThrow('fill: y: expected 11 elements, got 10');
    const integers = new Int32Array(1) as unknown as Float32Array;
    expect(() => fill({ count: 1, value, y: integers })).toThrow('fill: y: expected float32, got int32');
    const nothing = undefined as unknown as Float32Array;
    expect(() => fill({ count: 1, value, y: nothing })).toThrow('fill: y: expected float32, got nothing');
    expect(() => fill({ count: -1, value, y: new Float32Array(1) })).toThrow('fill: count: a size is negative');
    expect(() => fill({ count: 0.5, value, y: new Float32Array(1) })).toThrow(
      'fill: count: expected an integer, got 0.5',
    );
    const missing = undefined as unknown as number;
    expect(() => fill({ count: missing, value, y: new Float32Array(1) })).toThrow('fill: count: expected an integer');
  });

  it('refuses an index out of range', async () => {
    const { embedding } = bindKernels(await loadAddon());
    const sizes = { tokens: 1, vocabulary: 3, columns: 2 };
    const embed = (id: number) =>
      embedding({ ...sizes, ids: Int32Array.of(id), table: new Float32Array(6), y: new Float32Array(2) });
    expect(() => embed(2)).not.toThrow();
    expect(() => embed(3)).toThrow('embedding: an id is out of range');
    expect(() => embed(-1)).toThrow('embedding: an id is out of range');
  });

  it('gives aligned buffers', async () => {
    const { allocate } = await loadAddon();
    const values = new Float32Array(allocate(1 << 22)).fill(1);
    expect(values.every((value) => value === 1)).toBe(true);
  });

  it('serves two worker threads at once with the right results', async () => {
    const file = await buildAddon();
    const results = await Promise.all([1, 2].map((seed) => products(file, seed, 300)));
    expect(results).toEqual(await Promise.all([1, 2].map(async (seed) => checksum(await loadAddon(), seed))));
  });
});

const productCode = (addon: Addon, seed: number): number => {
  const [m, n, k] = [150, 130, 70];
  const filled = (size: number, step: number) =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * step + seed));
  const y = new Float32Array(m * n);
  // As the binding passes it: a worker of plain JS has no binding.
  const signature = addon.signatures['linear']!.split(' ');
  const values: Record<string, unknown> = { tokens: m, inputs: k, outputs: n, rank: 0, scale: 1, rounds: 0, y };
  Object.assign(values, { x: filled(m * k, 0.1), weight: filled(n * k, 0.2) });
  const names = signature.map((parameter) => parameter.split(':')[0]!);
  const isNumber = (name: string) => typeof values[name] === 'number';
  addon.numbers.set(names.filter(isNumber).map((name) => values[name] as number));
  const arrays = names.filter((name) => !isNumber(name)).map((name) => (values[name] ?? null) as Float32Array | null);
  addon.kernels['linear']!(...arrays);
  return y.reduce((sum, value, i) => sum + value * Math.cos(i), 0);
};
const checksum = (addon: Addon, seed: number): number => {
  addon.setThreads(2);
  return productCode(addon, seed);
};

/** The checksum of a product, computed `times` times in a worker; rejects when it ever changes. */
function products(file: string, seed: number, times: number): Promise<number> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const addon = require(${JSON.stringify(file)});
    addon.setThreads(2);
    const product = ${productCode.toString()};
    const first = product(addon, ${seed});
    for (let i = 1; i < ${times}; i++) if (product(addon, ${seed}) !== first) throw new Error('it changed');
    parentPort.postMessage(first);`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
