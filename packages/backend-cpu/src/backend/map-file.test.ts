// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bf16, f32, frozenTensor, packedOf, tf } from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildAddon } from '../addon/build.js';
import { addonUnavailable, loadAddon } from '../addon/load.js';
import type { NativeBackend } from './native-backend.js';
import { startNativeBackend } from './start.js';

const reason = process.platform === 'win32' ? 'files are read here' : addonUnavailable();
const values = Float32Array.from({ length: 40_000 }, (_, index) => index);
const folder = mkdtempSync(join(tmpdir(), 'llmf-map-'));
const file = join(folder, 'weights');
afterAll(() => rmSync(folder, { recursive: true }));

function withFile<T>(path: string, work: (descriptor: number) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

describe.skipIf(reason !== null)(`a mapped file${reason === null ? '' : ` (${reason})`}`, () => {
  let backend: NativeBackend;
  beforeAll(async () => {
    writeFileSync(file, new Uint8Array(values.buffer));
    backend = await startNativeBackend({ threads: 2 });
  }, 180_000); // it may have to be compiled

  const mapped = (position: number, length: number, path = file) =>
    withFile(path, (descriptor) => backend.mapFile(descriptor, position, length))!;
  const mappedTensor = () => frozenTensor([200, 200], f32, mapped(0, 160_000)) as tf.Tensor2D;

  it('shows the bytes of any part, after its descriptor is closed', () => {
    for (const [position, length] of [
      [0, 160_000],
      [4096, 4096],
      [12_344, 100_004],
      [159_999, 1],
    ] as const) {
      const whole = new Uint8Array(values.buffer, position, length);
      expect(Buffer.compare(mapped(position, length), whole)).toBe(0);
    }
  });

  it('is refused beyond the end of the file, for no bytes, and for a descriptor that is not open', async () => {
    const { mapFile } = await loadAddon();
    const map = (position: number, length: number) =>
      withFile(file, (descriptor) => mapFile(descriptor, position, length));
    expect(() => map(0, 160_001)).toThrow('mapFile: the bytes lie beyond the end of the file');
    expect(() => map(160_000, 1)).toThrow('mapFile: the bytes lie beyond the end of the file');
    expect(() => map(1, Number.MAX_SAFE_INTEGER)).toThrow('mapFile: the bytes lie beyond the end of the file');
    expect(() => map(-4096, 10)).toThrow('mapFile: the position is negative or no byte is wanted');
    expect(() => map(0, 0)).toThrow('mapFile: the position is negative or no byte is wanted');
    expect(() => mapFile(-1, 0, 1)).toThrow('mapFile: the descriptor is not open');
    expect(() => mapFile('weights' as never, 0, 1)).toThrow('mapFile: expected descriptor, position and length');
  });

  it('is null for what is not a plain file, and for more bytes than one array holds', () => {
    expect(withFile(folder, (descriptor) => backend.mapFile(descriptor, 0, 1))).toBeNull();
    expect(withFile(file, (descriptor) => backend.mapFile(descriptor, 0, 2 ** 53))).toBeNull();
  });

  it('computes in place, and is copied before anything writes', () => {
    const weight = mappedTensor();
    const sum = tf.tidy(() => tf.sum(weight).dataSync()[0]);
    expect(sum).toBeCloseTo((40_000 * 39_999) / 2, -4);
    const read = weight.dataSync(); // a copy: writing a mapped byte would end this process
    read[0] = 7;
    const slice = tf.slice(weight, [0, 0], [100, 200]);
    slice.dataSync()[0] = 7;
    const variable = tf.variable(weight);
    tf.engine().runKernel('LlmfAccumulate', { accumulator: variable, value: tf.ones([200, 200]) });
    expect(variable.dataSync()[1]).toBe(2);
    expect(mappedTensor().dataSync()[1]).toBe(1);
    expect(Buffer.compare(readFileSync(file), new Uint8Array(values.buffer))).toBe(0);
    tf.dispose([weight, slice, variable]);
  });

  it('keeps a bf16 weight as the words in the file, outside the arena', () => {
    const bytes = mapped(0, 160_000);
    const weight = frozenTensor([400, 200], bf16, bytes) as tf.Tensor2D;
    expect(packedOf(weight)!.parts['values']!.buffer).toBe(bytes.buffer);
    weight.dispose();
    expect(Buffer.compare(bytes, new Uint8Array(values.buffer))).toBe(0);
  });

  it('keeps its bytes when another file takes its name', () => {
    const [old, fresh] = [join(folder, 'old'), join(folder, 'fresh')];
    writeFileSync(old, Buffer.alloc(10_000, 1));
    const bytes = mapped(0, 10_000, old);
    writeFileSync(fresh, Buffer.alloc(10, 2));
    renameSync(fresh, old);
    expect(bytes.every((byte) => byte === 1)).toBe(true);
  });

  it('that is cut gives zeros where nothing is left, to kernels of every thread too, and tells so', () => {
    const cut = join(folder, 'cut');
    writeFileSync(cut, new Uint8Array(values.buffer));
    const weight = frozenTensor([200, 200], f32, mapped(0, 160_000, cut)) as tf.Tensor2D;
    const before = backend.lostPages();
    truncateSync(cut, 0);
    expect(tf.tidy(() => tf.sum(tf.matMul(weight, weight)).dataSync()[0])).toBe(0);
    expect(backend.lostPages()).toBeGreaterThan(before);
    const after = backend.lostPages();
    expect(weight.dataSync().every((value) => value === 0)).toBe(true);
    expect(backend.lostPages()).toBe(after); // replaced once
    weight.dispose();
  });

  it('serves two worker threads at once, and is gone with them', async () => {
    const addon = await buildAddon();
    const sums = await Promise.all([1, 2].map(() => sumInWorker(addon)));
    const sum = new Uint8Array(values.buffer).reduce((total, byte) => total + byte, 0);
    expect(sums).toEqual([sum, sum]);
    expect(mapped(0, 160_000).reduce((total, byte) => total + byte, 0)).toBe(sum);
  });
});

const sumInWorker = (addon: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { openSync, closeSync } = require('node:fs');
      const descriptor = openSync(workerData.file, 'r');
      let sum;
      for (let i = 0; i < 20; i++) {
        sum = new Uint8Array(require(workerData.addon).mapFile(descriptor, 0, 160000)).reduce((a, b) => a + b, 0);
      }
      closeSync(descriptor);
      parentPort.postMessage(sum);`;
    const worker = new Worker(code, { eval: true, workerData: { addon, file } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
