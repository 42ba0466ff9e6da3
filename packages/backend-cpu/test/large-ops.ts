// SPDX-License-Identifier: Apache-2.0
import {
  bf16,
  accumulate,
  adamwStep,
  attention,
  embedding,
  frozenTensor,
  gelu,
  grads,
  layerNorm,
  linear,
  rmsNorm,
  rope,
  ropeTables,
  segmentSum,
  selectedLogProbs,
  spansOf,
  swiglu,
  tf,
  type LinearOptions,
  type LowRank,
  type Scalar,
  type SelectedLogProbsOptions,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Segment,
} from '@llmf/nn';
import { host, type HostValue } from '@llmf/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { startNativeBackend } from '../src/backend/start.js';

type Given = Readonly<Record<string, Tensor>>;
interface LargeCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, HostValue>>;
  /** A weight that may be frozen, in bf16 where the run is. */
  readonly weight?: string;
  /** Takes inputs, or factors of its matrix products, rounded to bf16 where the run is. */
  readonly rounds?: boolean;
  run(inputs: Given): Tensor[];
}
interface Evaluated {
  readonly outputs: readonly HostValue[];
  readonly gradients: Readonly<Record<string, HostValue>>;
}

/** float32 sums in another order: √n · 6e-8 of their size. */
const exact = 1e-5;
/** Two factors rounded to bf16, each off by 2⁻⁹ of itself at most, and logits that such factors made: 2⁻⁷ of the largest. */
const rounded = 2 ** -7;

const dropoutKey = { key: { seed: 1, stream: 'dropout', step: 0, microbatch: 0 }, site: 'layer' };
const [tokens, width, outputs, rank] = [133, 209, 161, 12];
const [vocabulary, selected] = [4500, 24]; // beyond one tile of the vocabulary
const rows = Int32Array.from({ length: selected }, (_, i) => (i * 37) % tokens); // some rows twice
const targets = rows.map((row, i) => (row * 71 + i) % vocabulary);

function linearCase(
  name: string,
  options: LinearOptions & { readonly dropout?: number; readonly rank?: boolean },
): LargeCase {
  const { dropout = 0, rank: isLowRank = false, ...rest } = options;
  return {
    name: `linear, ${name}`,
    weight: 'weight',
    rounds: true,
    inputs: {
      x: host('x', [tokens, width]),
      ...(isLowRank ? { a: host('a', [rank, width], 0.1), b: host('b', [outputs, rank], 0.1) } : {}),
      bias: host('bias', [outputs]),
      weight: host('w', [outputs, width], 0.1),
    },
    run: ({ x, a, b, bias, weight }) => [
      linear(x as Tensor2D, weight as Tensor2D, {
        ...rest,
        bias: bias as Tensor1D,
        ...(isLowRank ? { lowRank: { a, b, scale: 0.5, dropout } as unknown as LowRank } : {}),
      }),
    ],
  };
}

function headCase(name: string, options: SelectedLogProbsOptions): LargeCase {
  return {
    name: `selectedLogProbs, ${name}`,
    weight: 'head',
    rounds: true,
    inputs: {
      hidden: host('hidden', [tokens, 29]),
      bias: host('head bias', [vocabulary], 0.3),
      head: host('head', [vocabulary, 29], 0.2),
    },
    run: ({ hidden, head, bias }) => {
      const all = { ...options, bias: bias as Tensor1D };
      const given = selectedLogProbs(hidden as Tensor2D, head as Tensor2D, rows, targets, all);
      return [given.logProb, given.entropy, given.logSumSquaredProbabilities].filter((value) => value !== undefined);
    },
  };
}

function attentionCase(
  name: string,
  segments: readonly Segment[],
  [heads, groups, size]: readonly [number, number, number],
  visibility: { readonly causal?: boolean; readonly window?: number; readonly softCap?: number } = {},
): LargeCase {
  const total = segments.reduce((most, { start, length }) => Math.max(most, start + length), 0);
  const spans = spansOf(segments);
  return {
    name: `attention, ${name}`,
    rounds: true,
    inputs: {
      q: host('q', [total, heads, size]),
      k: host('k', [total, groups, size]),
      v: host('v', [total, groups, size]),
    },
    run: ({ q, k, v }) => [attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { spans, ...visibility })],
  };
}

const pair: readonly Segment[] = [
  { start: 0, length: 83 },
  { start: 83, length: 41, prefix: 0 },
  { start: 124, length: 70, prefix: 0 },
];

const cases: readonly LargeCase[] = [
  linearCase('bias', {}),
  linearCase('bias, low rank, dropout', { rank: true, dropout: 0.3, dropoutKey }),
  headCase('bias and temperature', { temperature: 0.7 }),
  headCase('bias, soft cap and temperature', { softCap: 1.5, temperature: 0.7 }),
  headCase('bias, temperature, entropy and log Σp²', { temperature: 1.3, entropy: true, squared: true }),
  attentionCase('grouped heads, causal', [{ start: 0, length: 150 }], [6, 2, 24]),
  attentionCase('two answers on one prompt', pair, [4, 2, 33]),
  attentionCase('two answers on one prompt in a window', pair, [2, 1, 64], { window: 50 }),
  attentionCase('two answers on one prompt under a soft cap', pair, [4, 2, 33], { softCap: 1.5 }),
  attentionCase('not causal', [{ start: 0, length: 97 }], [3, 3, 40], { causal: false }),
  attentionCase('not causal, in a window', [{ start: 0, length: 110 }], [2, 1, 24], { causal: false, window: 37 }),
  {
    name: 'rmsNorm',
    inputs: { x: host('x', [151, 261]), weight: host('weight', [261], 0.5, 1) },
    run: ({ x, weight }) => [rmsNorm(x!, weight as Tensor1D, 1e-5)],
  },
  {
    name: 'layerNorm',
    inputs: { x: host('x', [151, 261], 1, 0.5), weight: host('weight', [261], 0.5, 1), bias: host('bias', [261]) },
    run: ({ x, weight, bias }) => [layerNorm(x!, weight as Tensor1D, bias as Tensor1D, 1e-5)],
  },
  ...[1, 2].map((part) => ({
    name: `rope of ${part === 1 ? 'whole heads' : 'half of each head'}`,
    inputs: { x: host('x', [140, 3, 68]) },
    run: ({ x }: Given) => {
      const { cos, sin } = ropeTables(
        Int32Array.from({ length: 140 }, (_, i) => i * 3),
        { rotary: 68 / part, theta: 1e4 },
      );
      return [rope(x as Tensor3D, cos, sin)];
    },
  })),
  {
    name: 'swiglu',
    inputs: { gate: host('gate', [131, 259], 3), up: host('up', [131, 259]) },
    rounds: true,
    run: ({ gate, up }) => [swiglu(gate as Tensor2D, up as Tensor2D)],
  },
  ...(['exact', 'tanh', 'quick'] as const).map((form) => ({
    name: `gelu, ${form}`,
    inputs: { x: host('x', [131, 259], 2) },
    run: ({ x }: Given) => [gelu(x!, form)],
  })),
  {
    name: 'embedding',
    inputs: { table: host('table', [300, 75]) },
    run: ({ table }) => [
      embedding(
        Int32Array.from({ length: 900 }, (_, i) => (i * i) % 300),
        table as Tensor2D,
      ),
    ],
  },
  {
    name: 'segmentSum',
    inputs: { values: host('values', [5000]) },
    run: ({ values }) => [
      segmentSum(
        values as Tensor1D,
        Int32Array.from({ length: 5000 }, (_, i) => Math.floor(i / 97)),
        60,
      ),
    ],
  },
];

const composites = new Map<LargeCase, Evaluated>();

/** Precision and the weight, if it is frozen. */
const forms = cases.flatMap((one) =>
  (['f32', 'bf16'] as const).flatMap((precision) =>
    (one.weight === undefined ? [undefined] : [undefined, one.weight]).map((frozen) => {
      const title = frozen === undefined ? one.name : `${one.name}, the ${frozen} frozen`;
      return [title, precision, one, frozen] as const;
    }),
  ),
);

/** Every fused op beyond one block, tile and task, held against nn's composites on the JS backend, values and gradients. */
export function describeLargeOps(start: () => Promise<void>): void {
  describe('fused ops against their composites', () => {
    beforeAll(start);

    it.each(forms)('%s, %s: values and gradients', async (_title, precision, one, frozen) => {
      if (!composites.has(one)) {
        await tf.setBackend('cpu');
        composites.set(one, evaluate(one, undefined, 'f32'));
      }
      const { outputs, gradients } = composites.get(one)!;
      await startNativeBackend({ threads: 2, sharedFrom: 0, precision });
      const before = tf.memory().numTensors;
      const got = evaluate(one, frozen, precision);
      expect(tf.memory().numTensors).toBe(before);
      await start();
      const trained = Object.keys(one.inputs).filter((name) => name !== frozen);
      expect(Object.keys(got.gradients)).toEqual(trained);
      const pairs = [
        ...outputs.map((output, i) => [`output ${i}`, got.outputs[i]!, output] as const),
        ...trained.map((name) => [`d${name}`, got.gradients[name]!, gradients[name]!] as const),
      ];
      const differences = pairs.map(([name, mine, theirs]) => [name, worst(mine, theirs)] as const);
      const tolerance = precision === 'bf16' && one.rounds === true ? rounded : exact;
      expect(differences.filter(([, difference]) => !(difference <= tolerance))).toEqual([]);
    });

    it('adamw of 40,001 entries, with decay and clipping', async () => {
      await expectSame(start, () => {
        const values = { p: host('p', [40_001]), m: host('m', [40_001]), v: host('v', [40_001]) };
        const [parameter, m] = [values.p, values.m].map((value) => tf.variable(tensorOf(value)));
        const v = tf.variable(tf.mul(tf.square(tensorOf(values.v)), 0.01));
        const attributes = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, step: 7 };
        const gradient = tensorOf(host('g', [40_001]));
        adamwStep([{ parameter: parameter!, m: m!, v, gradient, weightDecay: 0.1 }], attributes, tf.scalar(0.25));
        return [parameter!, m!, v];
      });
    });

    it('accumulate of 70,003 entries', async () => {
      await expectSame(start, () => {
        const [a, b] = ['a', 'b'].map((name) => tensorOf(host(name, [70_003])));
        return [accumulate(tf.keep(a!), tf.keep(b!))];
      });
    });
  });
}

async function expectSame(start: () => Promise<void>, run: () => Tensor[]): Promise<void> {
  const values = () => {
    const results = tf.tidy(run);
    const hosts = results.map(hostOf);
    tf.dispose(results);
    return hosts;
  };
  await start();
  const got = values();
  await tf.setBackend('cpu');
  const expected = values();
  await start();
  for (const [i, value] of expected.entries()) expect(worst(got[i]!, value)).toBeLessThanOrEqual(exact);
}

/** Outputs, and the gradients of Σ outputs ∘ fixed weights by every input that is not frozen. */
function evaluate(one: LargeCase, frozen: string | undefined, precision: 'f32' | 'bf16'): Evaluated {
  const constants = frozen === undefined ? {} : { [frozen]: frozenOf(one.inputs[frozen]!, precision) };
  const trained = Object.keys(one.inputs).filter((name) => name !== frozen);
  const inputs = trained.map((name) => tensorOf(one.inputs[name]!));
  const withInputs = (tensors: readonly Tensor[]): Given => ({
    ...constants,
    ...Object.fromEntries(trained.map((name, i) => [name, tensors[i]!])),
  });
  const given = tf.tidy(() => one.run(withInputs(inputs)));
  const { value, gradients } = grads((...tensors: Tensor[]) => weighted(one.run(withInputs(tensors))))(inputs);
  const evaluated = {
    outputs: given.map(hostOf),
    gradients: Object.fromEntries(trained.map((name, i) => [name, hostOf(gradients[i]!)])),
  };
  tf.dispose([value, ...given, ...gradients, ...inputs, ...Object.values(constants)]);
  return evaluated;
}

function weighted(given: readonly Tensor[]): Scalar {
  const parts = given.map((output, i) => tf.sum(tf.mul(output, tensorOf(host(`dy ${i}`, output.shape)))));
  return parts.reduce((sum, part) => tf.add(sum, part)) as Scalar;
}

const hostOf = (x: Tensor): HostValue => ({ shape: x.shape, data: Float32Array.from(x.dataSync()) });
const tensorOf = ({ shape, data }: HostValue): Tensor => tf.tensor(data, [...shape], 'float32');

/** A frozen weight as it is loaded: bf16 words, or float32. */
function frozenOf({ shape, data }: HostValue, precision: 'f32' | 'bf16'): Tensor {
  if (precision === 'f32') return tensorOf({ shape, data });
  const bits = new Uint32Array(Float32Array.from(data).buffer);
  const words = Uint16Array.from(bits, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
  return frozenTensor([...shape], bf16, new Uint8Array(words.buffer));
}

/** Largest difference, as a share of 1 + the largest value; NaN where shapes differ or one is no number. */
function worst(got: HostValue, expected: HostValue): number {
  if (got.shape.join() !== expected.shape.join()) return NaN;
  const scale = 1 + expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.data.reduce((most, value, i) => {
    const difference = Math.abs(value - got.data[i]!) / scale;
    return difference <= most ? most : difference;
  }, 0);
}
