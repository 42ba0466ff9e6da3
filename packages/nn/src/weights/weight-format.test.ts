// SPDX-License-Identifier: Apache-2.0
import { createEngine, resolveConfig, wholeSource, type Choice } from '@llmf/core';
import '@tensorflow/tfjs-backend-wasm';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { grads } from '../autograd/index.js';
import { WeightFormatToken, type WeightFormat, type WeightInfo } from '../contracts/index.js';
import { embedding, linear } from '../ops/index.js';
import { nn } from '../plugin.js';
import { tf } from '../tf.js';
import { chosenFormats } from './chosen-formats.js';
import { expandedRows } from './expansion.js';
import { expansionLines } from './expansion-lines.js';
import { frozenWeight, packedBytes } from './frozen-tensor.js';
import { packedOf } from './packed.js';

/** What a third party brings: 8-bit integers with one scale a row, read by expansion alone. */
const rows8: WeightFormat = {
  name: 'rows8',
  refuses: ([, columns]) => (columns! % 2 === 0 ? null : 'an even number of columns'),
  pack(values, [rows, columns]) {
    const scales = new Float32Array(rows!);
    const codes = new Int8Array(values.length);
    for (let row = 0; row < rows!; row++) {
      const of = values.subarray(row * columns!, (row + 1) * columns!);
      scales[row] = Math.max(...of.map(Math.abs)) / 127;
      of.forEach((value, column) => (codes[row * columns! + column] = Math.round(value / scales[row]!)));
    }
    return { codes, scales };
  },
  expand({ parts, shape }, from, to, into) {
    const columns = shape[1]!;
    for (let i = 0; i < (to - from) * columns; i++) {
      into[i] = parts['codes']![from * columns + i]! * parts['scales']![from + Math.floor(i / columns)]!;
    }
  },
  bytes: ([rows, columns]) => rows! * columns! + 4 * rows!,
};

const shape = [6, 8] as const;
const values = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i * 7));
const weightOf = () => frozenWeight({ format: rows8, shape, parts: rows8.pack(values, shape, {}) }) as Tensor2D;

describe.each(['cpu', 'wasm'])('a format that only expands, on backend %s', (backend) => {
  beforeAll(async () => void (await tf.setBackend(backend)));

  it('gives the products, gradients and rows of its expanded weight', () => {
    const weight = weightOf();
    expect(packedBytes(packedOf(weight)!)).toBe(rows8.bytes(shape, {}));
    const expanded = tf.tensor2d(expandedRows(packedOf(weight)!, 0, 6), [6, 8]);
    const x = tf.tensor2d(values.subarray(0, 24), [3, 8]);
    const results = [weight, expanded].map((w) => {
      const loss = (input: tf.Tensor) => tf.sum(tf.square(linear(input as Tensor2D, w))) as tf.Scalar;
      const { value, gradients } = grads(loss)([x]);
      const rows = embedding(Int32Array.of(5, 0, 5), w);
      return [value, gradients[0]!, rows].map((tensor) => [...tensor.dataSync()]);
    });
    expect(results[0]).toEqual(results[1]);
    tf.dispose([weight, expanded, x]);
  });

  it('leaves no float32 copy behind', () => {
    const weight = weightOf();
    const x = tf.ones([2, 8]) as Tensor2D;
    const before = tf.memory().numBytes;
    const y = linear(x, weight);
    expect(tf.memory().numBytes - before).toBe(4 * y.size);
    tf.dispose([weight, x, y]);
  });
});

describe('the choice of a format', () => {
  const linearInfo = (columns: number): WeightInfo => ({ shape: [4, columns], init: 'normal', kind: 'linear' });
  const weights = new Map<string, WeightInfo>([
    ['embed.weight', { shape: [9, 8], init: 'normal', kind: 'embedding' }],
    ['layers.0.q_proj.weight', linearInfo(8)],
    ['layers.0.up_proj.weight', linearInfo(8)],
    ['layers.0.norm.weight', { shape: [8], init: 'ones', kind: 'norm' }],
    ['visual.qkv.weight', { ...linearInfo(8), isBeside: true }],
    ['lm_head.weight', { shape: [9, 8], init: 'normal', kind: 'head' }],
  ]);

  async function namesOf(quantization: unknown, of = weights): Promise<string[]> {
    const engine = createEngine();
    engine.use(nn());
    engine.provide(WeightFormatToken, rows8);
    const raw = { quantization };
    const source = wholeSource('config');
    const config = await resolveConfig(engine, raw, { source, named: [], uses: ['quantization'] });
    const formats = chosenFormats(engine.container, config.choices['quantization']?.[0] as Choice | undefined);
    return formats === undefined ? [] : [...formats(of).keys()];
  }

  it('means linear layers: not head, embedding, nor a vision tower unless told', async () => {
    expect(await namesOf('none')).toEqual([]);
    expect(await namesOf('rows8')).toEqual(['layers.0.q_proj.weight', 'layers.0.up_proj.weight']);
    expect(await namesOf({ name: 'rows8', head: true, embedding: true, layers: ['q_proj', '/^visual/'] })).toEqual([
      'embed.weight',
      'lm_head.weight',
      'layers.0.q_proj.weight',
      'visual.qkv.weight',
    ]);
  });

  it('refuses an unknown format, option or layer, and a layer that does not fit', async () => {
    await expect(namesOf('row8')).rejects.toThrow(/row8[^]*rows8/);
    await expect(namesOf({ name: 'rows8', heads: true })).rejects.toThrow(/heads[^]*head/);
    await expect(namesOf({ name: 'rows8', layers: 'qproj' })).rejects.toThrow(
      /LLMF_NN_FORMAT_LAYERS: .*\n.*quantization\.layers\n {2}got: qproj\n {2}expected: all, a \/pattern\/, or some of: q_proj, up_proj, qkv/,
    );
    await expect(namesOf('rows8', new Map([['odd.weight', linearInfo(7)]]))).rejects.toThrow(
      /LLMF_NN_FORMAT_REFUSED: odd\.weight cannot be kept in rows8[^]*\[4, 7\][^]*an even number of columns/,
    );
  });

  it('says what a backend without kernels for it costs', () => {
    const parameters = new Map([['a', { value: weightOf() } as never]]);
    const backend = { tfName: 'wasm', precisions: ['f32'], numerics: '', description: '' } as const;
    expect(expansionLines({ parameters }, backend)).toEqual([
      'backend wasm has no kernels for rows8: its 1 weights are expanded to float32 for each product, one at a time, which ' +
        'costs time; `quantization: f32` keeps them expanded, which costs memory',
    ]);
    expect(expansionLines({ parameters }, { ...backend, formats: ['rows8'] })).toEqual([]);
  });
});
