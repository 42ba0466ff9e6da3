// SPDX-License-Identifier: Apache-2.0
import '@tensorflow/tfjs-backend-wasm';
import { normals } from '@llmf/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkpoint } from '../autograd/checkpoint.js';
import { valueAndGradients } from '../autograd/value-and-gradients.js';
import type { ForwardContext, KeyValueCache } from '../contracts/model.js';
import type { Segment } from '../contracts/segments.js';
import { KeyValueArena } from '../generation/key-value-arena.js';
import { Embedding } from '../layers/embedding.js';
import { tf } from '../tf.js';
import { alibi, alibiSlopes } from './alibi.js';
import { DecoderPass, type PassFacts } from './decoder-pass.js';
import { distanceBucket, RelativeBias } from './relative-bias.js';

const [heads, groups, size] = [4, 2, 6];
const key = { seed: 3, stream: 'pass', step: 0, microbatch: 0 };
type Site = 'q' | 'k' | 'v' | 'dy';
const widths = { q: heads, k: groups, v: groups, dy: heads };

/** The values that a token has, wherever it lies. */
const drawn = Object.fromEntries(
  Object.entries(widths).map(([site, count]) => [site, normals(key, site, 100 * count * size)]),
) as Record<Site, Float32Array>;
const values = (site: Site, tokens: readonly number[]) =>
  tokens.map((token) => [...drawn[site].subarray(token * widths[site] * size, (token + 1) * widths[site] * size)]);
const tensor = (site: Site, tokens: readonly number[]) =>
  tf.tensor3d(values(site, tokens).flat(), [tokens.length, widths[site], size]);
const range = (start: number, length: number) => Array.from({ length }, (_, i) => start + i);

const contextOf = (
  segments: readonly Segment[],
  tokens: number,
  rest: Partial<ForwardContext> = {},
): ForwardContext => ({
  segments,
  positions: Int32Array.from({ length: tokens }, (_, i) => i),
  adapter: null,
  training: false,
  randomKey: key,
  gradientCheckpointing: false,
  ...rest,
});

/** Which keys a query sees, and what its scores with them gain, both by the query's and the keys' place in its segment. */
interface Reference {
  readonly scale?: number;
  sees(query: number, key: number): boolean;
  gains?(head: number, query: number, key: number): number;
}

/** out [queries][H·D] of one row of tokens, in double precision, from the definition. */
function inDoubles(queries: readonly number[], keys: readonly number[], how: Reference): number[][] {
  const [q, k, v] = [values('q', queries), values('k', keys), values('v', keys)];
  return q.map((row, i) => {
    const outs = Array.from({ length: heads }, (_, head) => {
      const group = Math.floor((head * groups) / heads);
      const at = (rows: number[][], j: number, d: number) => rows[j]![group * size + d]!;
      const scores = keys.map((_key, j) => {
        if (!how.sees(i, j)) return -Infinity;
        const product = range(0, size).reduce((sum, d) => sum + row[head * size + d]! * at(k, j, d), 0);
        return product * (how.scale ?? 1 / Math.sqrt(size)) + (how.gains?.(head, i, j) ?? 0);
      });
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return range(0, size).map((d) => weights.reduce((sum, weight, j) => sum + (weight / total) * at(v, j, d), 0));
    });
    return outs.flat();
  });
}

function expectNear(got: ArrayLike<number>, expected: readonly number[], tolerance = 2e-6): void {
  expect(got.length).toBe(expected.length);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
  expect(worst).toBeLessThan(tolerance);
}

function attend(tokens: readonly number[], segments: readonly Segment[], facts: PassFacts): number[] {
  return tf.tidy(() => {
    const pass = new DecoderPass(contextOf(segments, tokens.length), null, facts);
    return [...pass.attend(0, tensor('q', tokens), tensor('k', tokens), tensor('v', tokens)).dataSync()];
  });
}

const causal = (query: number, seen: number) => seen <= query;
const all = () => true;
const slopes = alibiSlopes(heads);
const bucketing = { buckets: 8, maxDistance: 12, bidirectional: true };
const table = normals(key, 'table', 8 * heads);
const relative = (): PassFacts => ({
  causal: false,
  scale: 1,
  bias: (keys) => new RelativeBias(new Embedding(tf.tensor2d(table, [8, heads])), bucketing).forward(keys),
});

const forms: readonly (readonly [name: string, facts: () => PassFacts, reference: Reference])[] = [
  ['a decoder', () => ({}), { sees: causal }],
  ['an encoder', () => ({ causal: false }), { sees: all }],
  [
    'slopes (ALiBi)',
    () => ({ bias: (keys) => alibi(slopes, keys) }),
    { sees: causal, gains: (head, _query, seen) => slopes[head]! * seen },
  ],
  [
    'relative positions (T5), unscaled',
    relative,
    {
      sees: all,
      scale: 1,
      gains: (head, query, seen) => table[distanceBucket(seen - query, bucketing) * heads + head]!,
    },
  ],
];

describe.each(['cpu', 'wasm'])('attention of a pass on %s', (backend) => {
  beforeEach(async () => void (await tf.setBackend(backend)));

  describe.each(forms)('%s', (_name, facts, reference) => {
    it.each([1, 5, 40])('is that of the definition in double precision, %i tokens', (length) => {
      const tokens = range(10, length);
      expectNear(attend(tokens, [{ start: 0, length }], facts()), inDoubles(tokens, tokens, reference).flat());
    });

    it('gives a packed segment the bits that it has in a row of its own', () => {
      const own = attend(range(10, 7), [{ start: 0, length: 7 }], facts());
      const packed = attend(
        [...range(50, 4), ...range(10, 7), ...range(70, 9)],
        [
          { start: 0, length: 4 },
          { start: 4, length: 7 },
          { start: 11, length: 9 },
        ],
        facts(),
      );
      expect(packed.slice(4 * heads * size, 11 * heads * size)).toEqual(own);
    });
  });

  it('a segment may see all of itself where the model is causal, and the reverse', () => {
    const tokens = range(0, 9);
    const segments = (isCausal: boolean) => [
      { start: 0, length: 5, causal: isCausal },
      { start: 5, length: 4 },
    ];
    for (const isCausal of [true, false]) {
      const got = attend(tokens, segments(isCausal), { causal: !isCausal });
      const first = inDoubles(range(0, 5), range(0, 5), { sees: isCausal ? causal : all });
      const second = inDoubles(range(5, 4), range(5, 4), { sees: isCausal ? all : causal });
      expectNear(got, [...first, ...second].flat());
    }
  });

  it('across: each segment sees all of its source in another row, whatever lies beside it', () => {
    const [queries, keys] = [range(0, 6), range(20, 9)];
    const got = tf.tidy(() => {
      const sources = [
        { start: 0, length: 2 },
        { start: 2, length: 7 },
      ];
      const segments = [
        { start: 0, length: 4, source: 0 },
        { start: 4, length: 2, source: 1 },
      ];
      const pass = new DecoderPass(contextOf(segments, 6), null, { sources });
      return [
        ...pass
          .attendAcross(0, tensor('q', queries), { keys: tensor('k', keys), values: tensor('v', keys) })
          .dataSync(),
      ];
    });
    const first = inDoubles(range(0, 4), range(20, 2), { sees: all });
    expectNear(got, [...first, ...inDoubles(range(4, 2), range(22, 7), { sees: all })].flat());
  });

  it('across refuses a source that the other row does not have', () => {
    const context = contextOf([{ start: 0, length: 1, source: 2 }], 1);
    expect(() => new DecoderPass(context, null, { sources: [{ start: 0, length: 1 }] })).toThrow(
      /LLMF_NN_INDEX: spansAcross: source\[0\] is out of range/,
    );
  });

  it.each([
    ['slopes', (): PassFacts => ({ bias: (keys) => alibi(slopes, keys) })],
    ['relative positions', (): PassFacts => ({ ...relative(), causal: true })],
  ])('%s token by token with a cache equals one pass', (_name, facts) => {
    const tokens = range(30, 12);
    const whole = attend(tokens, [{ start: 0, length: 12 }], facts());
    const arena = new KeyValueArena(12);
    const parts = [range(0, 5), ...range(5, 7).map((at) => [at])].flatMap((places) => {
      const span = { queryStart: 0, queryLength: places.length, keyStart: 0, keyLength: places.at(-1)! + 1 };
      arena.begin(Int32Array.from(places), [{ ...span, prefixStart: 0, prefixLength: 0 }]);
      return cached(
        places.map((at) => tokens[at]!),
        arena,
        facts(),
      );
    });
    arena.dispose();
    expectNear(parts, whole, 1e-6);
  });

  it('a table of relative positions that two layers share has the gradient of both, recomputed or not', () => {
    const [kept, recomputed] = [tableGradient(false), tableGradient(true)];
    expectNear(recomputed, kept, 1e-6); // the sum over layers rounds differently
    const step = 2 ** -7;
    for (const entry of [0, 5, 14, 31]) {
      const moved = [step, -step].map((by) => twoLayers(by, entry));
      const slope = (moved[0]! - moved[1]!) / (2 * step);
      expect(Math.abs(kept[entry]! - slope)).toBeLessThan(2e-3);
    }
  });
});

function cached(tokens: readonly number[], cache: KeyValueCache, facts: PassFacts): number[] {
  return tf.tidy(() => {
    const pass = new DecoderPass(contextOf([], tokens.length, { cache }), null, facts);
    return [...pass.attend(0, tensor('q', tokens), tensor('k', tokens), tensor('v', tokens)).dataSync()];
  });
}

const layerTokens = range(40, 9);

/** Σ (what two layers give, one after the other) ∘ dy. */
function loss(weight: tf.Tensor2D, gradientCheckpointing: boolean): tf.Scalar {
  const segments = [
    { start: 0, length: 4 },
    { start: 4, length: 5 },
  ];
  const facts = {
    ...relative(),
    bias: (keys: number) => new RelativeBias(new Embedding(weight), bucketing).forward(keys),
  };
  const pass = new DecoderPass(contextOf(segments, 9, { gradientCheckpointing }), null, facts);
  const block = (x: tf.Tensor3D) => pass.attend(0, x, tensor('k', layerTokens), tensor('v', layerTokens));
  const through = (x: tf.Tensor3D) => (gradientCheckpointing ? checkpoint(block, x) : block(x));
  return tf.sum(tf.mul(through(through(tensor('q', layerTokens))), tensor('dy', layerTokens)));
}

function twoLayers(by: number, entry: number): number {
  return tf.tidy(() => {
    const moved = Float32Array.from(table);
    moved[entry]! += by;
    return loss(tf.tensor2d(moved, [8, heads]), false).dataSync()[0]!;
  });
}

function tableGradient(gradientCheckpointing: boolean): number[] {
  const weight = tf.variable(tf.tensor2d(table, [8, heads]));
  let gradient: number[] = [];
  const result = valueAndGradients(
    () => ({ loss: loss(weight as never, gradientCheckpointing) }),
    [weight],
    (_variable, value) => {
      gradient = [...value.dataSync()];
      value.dispose();
    },
  );
  tf.dispose([result.loss, weight]);
  return gradient;
}
