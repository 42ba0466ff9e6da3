// SPDX-License-Identifier: Apache-2.0
import {
  adamwStep,
  attention,
  embedding,
  gelu,
  grads,
  kernels,
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
  type LowRank,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
} from '@llmf/nn';
import { uniforms } from '@llmf/core';
import { host } from '@llmf/testkit';

export const [rows, width, outputs, rank] = [301, 450, 70, 8] as const;
const vocabulary = 4200; // beyond one tile

/** What a row op reads besides its rows; a weight may be frozen in bf16. */
export interface Weights {
  readonly weight: Tensor2D; // [outputs, width]
  readonly head: Tensor2D; // [vocabulary, width]
}

export interface RowOp {
  readonly name: string;
  /** Rows [rows, …] of every per-row input: a slice of them goes in, a row each comes out. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Per-row inputs that no gradient is asked for. */
  readonly constant?: readonly string[];
  readonly readsWeights?: boolean;
  run(inputs: Readonly<Record<string, Tensor>>, weights: Weights): Tensor[];
}

const drawn = new Map<string, Float32Array>();

/** The same values each time, drawn once. */
export function values(site: string, shape: readonly number[], scale = 1): Float32Array {
  const key = `${site} [${shape}] ${scale}`;
  if (!drawn.has(key)) drawn.set(key, host(site, shape, scale).data);
  return drawn.get(key)!;
}

export const tensor = (site: string, shape: readonly number[], scale = 1): Tensor =>
  tf.tensor(values(site, shape, scale).slice(), [...shape], 'float32');

export const weightShapes: { readonly [K in keyof Weights]: readonly number[] } = {
  weight: [outputs, width],
  head: [vocabulary, width],
};

const vector = (site: string, size: number) => tensor(site, [size], 0.3) as Tensor1D;
const lowRank = () =>
  ({
    a: tensor('a', [rank, width], 0.1),
    b: tensor('b', [outputs, rank], 0.1),
    scale: 0.5,
    dropout: 0,
  }) as unknown as LowRank;

/** Every op whose result has a row for each row it is given. */
export const rowOps: readonly RowOp[] = [
  {
    name: 'linear with bias and low rank',
    inputs: { x: [width] },
    readsWeights: true,
    run: ({ x }, { weight }) => [linear(x as Tensor2D, weight, { bias: vector('bias', outputs), lowRank: lowRank() })],
  },
  {
    name: 'linear with a dropped-out low-rank path',
    inputs: { x: [width], mask: [width], dy: [outputs] },
    constant: ['x', 'mask', 'dy'], // its gradient is the second kernel here
    readsWeights: true,
    run({ x, mask, dy }, { weight }) {
      const { a, b } = lowRank() as unknown as Record<'a' | 'b', Tensor>;
      const call = (name: string, inputs: Record<string, Tensor>) =>
        tf.engine().runKernel<Tensor>(name, { ...inputs, weight, a, b, mask: mask! }, { scale: 0.5 });
      return [call(kernels.linear, { x: x! }), call(kernels.linearInputGradient, { dy: dy! })];
    },
  },
  {
    name: 'rmsNorm',
    inputs: { x: [width] },
    run: ({ x }) => [rmsNorm(x!, vector('w', width), 1e-5)],
  },
  {
    name: 'layerNorm',
    inputs: { x: [width] },
    run: ({ x }) => [layerNorm(x!, vector('w', width), vector('bias', width), 1e-5)],
  },
  { name: 'softmax', inputs: { x: [width] }, run: ({ x }) => [tf.softmax(x!)] },
  {
    name: 'swiglu',
    inputs: { gate: [width], up: [width] },
    run: ({ gate, up }) => [swiglu(gate as Tensor2D, up as Tensor2D)],
  },
  ...(['exact', 'tanh', 'quick'] as const).map((form) => ({
    name: `gelu, ${form}`,
    inputs: { x: [width] },
    run: ({ x }: Readonly<Record<string, Tensor>>) => [gelu(x!, form)],
  })),
  {
    name: 'rope',
    inputs: { x: [3, 50], cos: [22], sin: [22] },
    constant: ['cos', 'sin'],
    run: ({ x, cos, sin }) => [rope(x as Tensor3D, cos as Tensor2D, sin as Tensor2D)],
  },
  {
    name: 'selectedLogProbs with entropy, log Σp², bias and temperature',
    inputs: { hidden: [width] },
    readsWeights: true,
    run({ hidden }, { head }) {
      const all = Int32Array.from({ length: hidden!.shape[0]! }, (_, i) => i);
      // The target follows from the row's own values, so that it goes with the row wherever that one lies.
      const firsts = tf.tidy(() => tf.slice(hidden as Tensor2D, [0, 0], [-1, 1]).dataSync());
      const targets = all.map((i) => Math.floor(Math.abs(firsts[i]!) * 1e4) % vocabulary);
      const options = { entropy: true, squared: true, temperature: 0.8, bias: vector('head bias', vocabulary) };
      const given = selectedLogProbs(hidden as Tensor2D, head, all, targets, options);
      return [given.logProb, given.entropy!, given.logSumSquaredProbabilities!];
    },
  },
];

/** The rows of a row op; rotations are those of the rows' own positions. */
export function rowInputs({ inputs, name }: RowOp): Record<string, Tensor> {
  if (name === 'rope') {
    const { cos, sin } = ropeTables(
      Int32Array.from({ length: rows }, (_, i) => i * 5),
      { rotary: 44, theta: 1e4 },
    );
    return { x: tensor('x', [rows, ...inputs['x']!]), cos, sin };
  }
  return Object.fromEntries(
    Object.entries(inputs).map(([key, rest]) => {
      if (key !== 'mask') return [key, tensor(key, [rows, ...rest])];
      const draws = uniforms({ seed: 1, stream: 'mask', step: 0, microbatch: 0 }, 'mask', rows * rest[0]!);
      return [
        key,
        tf.tensor2d(
          draws.map((draw) => (draw < 0.3 ? 0 : 1 / 0.7)),
          [rows, rest[0]!],
        ),
      ];
    }),
  );
}

/** Everything that a step computes, with the gradients of parameters, which sum over rows. */
export const stepOps: Readonly<Record<string, (weights: Weights) => Tensor[]>> = {
  'linear, trained': () =>
    gradientsOf({ x: [rows, width], w: [outputs, width], bias: [outputs] }, ({ x, w, bias }) => [
      linear(x as Tensor2D, w as Tensor2D, { bias: bias as Tensor1D }),
    ]),
  'linear, low rank': ({ weight }) =>
    gradientsOf({ x: [rows, width], a: [rank, width], b: [outputs, rank] }, ({ x, a, b }) => [
      linear(x as Tensor2D, weight, { lowRank: { a, b, scale: 0.5, dropout: 0 } as unknown as LowRank }),
    ]),
  'selectedLogProbs, trained': () =>
    gradientsOf({ h: [rows, 60], head: [1100, 60], bias: [1100] }, ({ h, head, bias }) => {
      const chosen = Int32Array.from({ length: 200 }, (_, i) => (i * 17) % rows);
      const options = { entropy: true, squared: true, softCap: 3, bias: bias as Tensor1D };
      const given = selectedLogProbs(h as Tensor2D, head as Tensor2D, chosen, chosen, options);
      return [given.logProb, given.entropy!, given.logSumSquaredProbabilities!];
    }),
  'selectedLogProbs, trained, log-probs alone': () =>
    gradientsOf({ h: [90, 60], head: [1100, 60], bias: [1100] }, ({ h, head, bias }) =>
      [50, 80].map((count) => {
        const chosen = Int32Array.from({ length: count }, (_, i) => i);
        const options = { temperature: 0.9, bias: bias as Tensor1D };
        return selectedLogProbs(h as Tensor2D, head as Tensor2D, chosen, chosen, options).logProb;
      }),
    ),
  'selectedLogProbs, frozen': ({ head }) =>
    gradientsOf({ h: [40, width] }, ({ h }) => {
      const chosen = Int32Array.from({ length: 40 }, (_, i) => i);
      return [0, 4].map((softCap) => selectedLogProbs(h as Tensor2D, head, chosen, chosen, { softCap }).logProb);
    }),
  attention: () =>
    gradientsOf({ q: [290, 4, 24], k: [290, 2, 24], v: [290, 2, 24], bias: [4, 436] }, ({ q, k, v, bias }) => {
      const spans = spansOf([
        { start: 0, length: 100 },
        { start: 100, length: 118, prefix: 0 },
        { start: 218, length: 72, prefix: 0 },
      ]);
      const byDistance = { values: bias as Tensor2D, by: 'distance', zero: 217 } as const;
      const all = [{}, { window: 40 }, { causal: false }, { bias: byDistance }, { softCap: 1.5, bias: byDistance }];
      return all.map((options) => attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { spans, ...options }));
    }),
  rmsNorm: () => gradientsOf({ x: [rows, width], w: [width] }, ({ x, w }) => [rmsNorm(x!, w as Tensor1D, 1e-5)]),
  layerNorm: () =>
    gradientsOf({ x: [rows, width], w: [width], b: [width] }, ({ x, w, b }) => [
      layerNorm(x!, w as Tensor1D, b as Tensor1D, 1e-5),
    ]),
  'swiglu and gelu': () =>
    gradientsOf({ gate: [rows, width], up: [rows, width] }, ({ gate, up }) => [
      swiglu(gate as Tensor2D, up as Tensor2D),
      gelu(gate!, 'tanh'),
    ]),
  embedding: () =>
    gradientsOf({ table: [200, width] }, ({ table }) => [
      embedding(
        Int32Array.from({ length: 700 }, (_, i) => (i * i) % 200),
        table as Tensor2D,
      ),
    ]),
  'segment sums, sums and products': () =>
    gradientsOf({ x: [rows, width], y: [width, 90] }, ({ x, y }) => [
      segmentSum(
        tf.sum(x!, 1) as Tensor1D,
        Int32Array.from({ length: rows }, (_, i) => Math.floor(i / 40)),
        8,
      ),
      tf.matMul(x as Tensor2D, y as Tensor2D),
      tf.mean(tf.square(x!)),
    ]),
  adamw() {
    const [parameter, m, v] = ['p', 'm', 'v'].map((name) => tf.variable(tf.square(tensor(name, [70_001]))));
    const attributes = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, step: 3 };
    const gradient = tensor('g', [70_001]);
    adamwStep([{ parameter: parameter!, m: m!, v: v!, gradient, weightDecay: 0.1 }], attributes);
    const values = [parameter!, m!, v!].map((variable) => tf.tensor1d(variable.dataSync() as Float32Array));
    tf.dispose([parameter!, m!, v!]);
    return values;
  },
};

/** Those with products, whose factors a run in bf16 rounds. */
export const productOps: ReadonlySet<string> = new Set([
  'linear, trained',
  'linear, low rank',
  'selectedLogProbs, trained',
  'selectedLogProbs, frozen',
  'attention',
]);

/** Outputs, and the gradients of Σ outputs ∘ fixed weights by all inputs. */
function gradientsOf(
  shapes: Readonly<Record<string, readonly number[]>>,
  run: (inputs: Readonly<Record<string, Tensor>>) => Tensor[],
): Tensor[] {
  const names = Object.keys(shapes);
  const named = (tensors: readonly Tensor[]) => Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
  const inputs = names.map((name) => tensor(name, shapes[name]!, 0.3));
  const loss = (...tensors: Tensor[]) =>
    weightedSum(run(named(tensors)), (output, i) => tensor(`dy ${i}`, output.shape));
  return [...run(named(inputs)), ...grads(loss)(inputs).gradients];
}

export function weightedSum(given: readonly Tensor[], weightOf: (output: Tensor, index: number) => Tensor): Scalar {
  const parts = given.map((output, i) => tf.sum(tf.mul(output, weightOf(output, i))));
  return parts.reduce((sum, part) => tf.add(sum, part)) as Scalar;
}
