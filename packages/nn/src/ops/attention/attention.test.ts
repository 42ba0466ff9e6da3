// SPDX-License-Identifier: Apache-2.0
import '@tensorflow/tfjs-backend-wasm';
import { normals } from '@llmf/core';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { grads } from '../../autograd/grads.js';
import { tf } from '../../tf.js';
import { attention } from './attention.js';
import { maskOf, spansOf } from './spans.js';

const [heads, groups, size] = [4, 2, 8];
const drawn = new Map<string, Float32Array>();
/** The values of token `token`, wherever it lies. */
function row(site: string, token: number, width: number): Float32Array {
  const key = { seed: 9, stream: 'attention', step: 0, microbatch: 0 };
  if (!drawn.has(site)) drawn.set(site, normals(key, site, 700 * width));
  return drawn.get(site)!.slice(token * width, (token + 1) * width);
}

/** q, k, v and dy of tokens named by number. */
function inputs(tokens: readonly number[]): Record<'q' | 'k' | 'v' | 'dy', Tensor3D> {
  const make = (site: string, count: number) => {
    const parts = tokens.map((token) => [...row(site, token, count * size)]);
    return tf.tensor3d(parts.flat(), [tokens.length, count, size]);
  };
  return { q: make('q', heads), k: make('k', groups), v: make('v', groups), dy: make('dy', heads) };
}

const range = (start: number, length: number) => Array.from({ length }, (_, i) => start + i);

describe('spans of segments', () => {
  it('see themselves and all of their prefix', () => {
    const segments = [
      { start: 0, length: 3 },
      { start: 3, length: 2, prefix: 0 },
    ];
    expect(spansOf(segments)).toEqual([
      { queryStart: 0, queryLength: 3, keyStart: 0, keyLength: 3, prefixStart: 0, prefixLength: 0 },
      { queryStart: 3, queryLength: 2, keyStart: 3, keyLength: 2, prefixStart: 0, prefixLength: 3 },
    ]);
  });
});

describe('masks', () => {
  const span = { queryStart: 0, queryLength: 2, keyStart: 0, keyLength: 2, prefixStart: 0, prefixLength: 2 };
  const seen = (causal: boolean, window: number) =>
    [...maskOf(span, { causal, window })!].map((x) => (x === 0 ? 1 : 0));
  it('show the prefix and, when causal, own keys up to the query', () => {
    expect(seen(true, 0)).toEqual([1, 1, 1, 0, 1, 1, 1, 1]);
  });
  it('count a window over prefix and own keys together', () => {
    expect(seen(true, 2)).toEqual([0, 1, 1, 0, 0, 0, 1, 1]);
    expect(seen(false, 2)).toEqual([0, 1, 1, 1, 0, 0, 1, 1]);
  });
  it('are not needed when every query sees all', () => {
    expect(maskOf({ ...span, queryLength: 1 }, { causal: true, window: 0 })).toBeNull();
    expect(maskOf(span, { causal: false, window: 0 })).toBeNull();
  });
});

describe.each([
  ['cpu', 20],
  ['wasm', 20],
  ['wasm', 150], // spans beyond the host's loops: kernels
] as const)('a segment on %s, of %i tokens', (backend, length) => {
  beforeEach(async () => void (await tf.setBackend(backend)));

  const alone = () =>
    tf.tidy(() => {
      const { q, k, v, dy } = inputs(range(0, length));
      const run = grads((a: Tensor3D, b: Tensor3D, c: Tensor3D) =>
        attention(a, b, c, { spans: spansOf([{ start: 0, length }]) }),
      );
      const { value, gradients } = run([q, k, v], dy);
      const all = [value, ...gradients].map((tensor) => [...tensor.dataSync()]);
      tf.dispose(gradients);
      return all;
    });

  it('has the same bits whatever lies beside it in the pack, and wherever it lies', () => {
    const packed = tf.tidy(() => {
      const tokens = [...range(500, 7), ...range(0, length), ...range(600, 3)];
      const segments = [
        { start: 0, length: 7 },
        { start: 7, length },
        { start: 7 + length, length: 3 },
      ];
      const { q, k, v, dy } = inputs(tokens);
      const run = grads((a: Tensor3D, b: Tensor3D, c: Tensor3D) => attention(a, b, c, { spans: spansOf(segments) }));
      const { value, gradients } = run([q, k, v], dy);
      const all = [value, ...gradients].map((tensor) => {
        const width = tensor.size / tokens.length;
        return [...tensor.dataSync()].slice(7 * width, (7 + length) * width);
      });
      tf.dispose(gradients);
      return all;
    });
    expect(packed).toEqual(alone());
  });

  it('gives two answers on one prompt what each gets in a row of its own, to 1e-5', () => {
    const [prompt, first, second] = [range(0, length), range(200, 9), range(300, 5)];
    const results = tf.tidy(() => {
      const shared = inputs([...prompt, ...first, ...second]);
      const segments = [
        { start: 0, length },
        { start: length, length: 9, prefix: 0 },
        { start: length + 9, length: 5, prefix: 0 },
      ];
      const once = grads((a: Tensor3D, b: Tensor3D, c: Tensor3D) => attention(a, b, c, { spans: spansOf(segments) }))(
        [shared.q, shared.k, shared.v],
        shared.dy,
      );
      const twice = inputs([...prompt, ...first, ...prompt, ...second]);
      const two = [
        { start: 0, length: length + 9 },
        { start: length + 9, length: length + 5 },
      ];
      const both = grads((a: Tensor3D, b: Tensor3D, c: Tensor3D) => attention(a, b, c, { spans: spansOf(two) }))(
        [twice.q, twice.k, twice.v],
        twice.dy,
      );
      const host = (all: typeof once) => [all.value, ...all.gradients].map((tensor) => tensor.dataSync());
      const pair = { once: host(once), both: host(both) };
      tf.dispose([...once.gradients, ...both.gradients]);
      return pair as never as { once: Float32Array[]; both: Float32Array[] };
    });
    const [out, , dk] = [0, 1, 2].map((i) => [results.once[i]!, results.both[i]!] as const);
    const close = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThan(1e-5 * (1 + Math.abs(b)));
    for (let i = 0; i < 9 * heads * size; i++)
      close(out![0][length * heads * size + i]!, out![1][length * heads * size + i]!);
    // The gradient of a key of the prompt: its copies' gradients together, less the prompt's own queries counted twice.
    const queriesOfPromptAlone = alone()[2]!;
    for (let i = 0; i < length * groups * size; i++) {
      close(dk![0][i]! + queriesOfPromptAlone[i]!, dk![1][i]! + dk![1][(length + 9) * groups * size + i]!);
    }
  });

  it('stays finite where scores are huge', () => {
    const out = tf.tidy(() => {
      const { q, k, v } = inputs(range(0, length));
      return attention(tf.mul(q, 1e4) as Tensor3D, tf.mul(k, 1e4) as Tensor3D, v, {
        spans: spansOf([{ start: 0, length }]),
      }).dataSync();
    });
    expect(out.every(Number.isFinite)).toBe(true);
  });
});

describe('attention refuses', () => {
  const zeros = (...shape: [number, number, number]) => tf.zeros(shape) as Tensor3D;
  const span = spansOf([{ start: 0, length: 2 }]);
  it.each([
    [
      'key heads that do not divide the query heads',
      () => attention(zeros(2, 3, 4), zeros(2, 2, 4), zeros(2, 2, 4), { spans: span }),
      /LLMF_NN_SHAPE: attention: k .*\n.*\[2, 2, 4\]\n.*divides 3/,
    ],
    [
      'heads of another size',
      () => attention(zeros(2, 2, 4), zeros(2, 2, 5), zeros(2, 2, 5), { spans: span }),
      /LLMF_NN_SHAPE: attention: k/,
    ],
    [
      'values of another shape than keys',
      () => attention(zeros(2, 2, 4), zeros(2, 2, 4), zeros(3, 2, 4), { spans: span }),
      /LLMF_NN_SHAPE: attention: v/,
    ],
    [
      'a span beyond the queries',
      () => attention(zeros(1, 2, 4), zeros(2, 2, 4), zeros(2, 2, 4), { spans: span }),
      /LLMF_NN_SPANS: attention: span 0 .*\n.*queries 0 \+ 2 of 1/,
    ],
    [
      'a span beyond the keys',
      () => attention(zeros(2, 2, 4), zeros(1, 2, 4), zeros(1, 2, 4), { spans: span }),
      /keys 0 \+ 2 of 1/,
    ],
    [
      'a prefix beyond the keys',
      () =>
        attention(zeros(2, 2, 4), zeros(2, 2, 4), zeros(2, 2, 4), {
          spans: [{ ...span[0]!, prefixStart: 1, prefixLength: 2 }],
        }),
      /prefix 1 \+ 2 of 2/,
    ],
    [
      'queries without keys',
      () => attention(zeros(2, 2, 4), zeros(2, 2, 4), zeros(2, 2, 4), { spans: [{ ...span[0]!, keyLength: 1 }] }),
      /1 keys for 2 queries/,
    ],
    [
      'a negative window',
      () => attention(zeros(2, 2, 4), zeros(2, 2, 4), zeros(2, 2, 4), { spans: span, window: -1 }),
      /LLMF_NN_VALUE: attention: window/,
    ],
  ])('%s', (_name, run, message) => expect(() => tf.tidy(() => run().clone())).toThrow(message));
});
