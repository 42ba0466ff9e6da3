// SPDX-License-Identifier: Apache-2.0
import { sumOfSquares } from '../kernels/global-norm/global-norm.js';
import { signatures, type NativeCalls } from '../kernels/signatures.js';

type Name = keyof NativeCalls;
type Values<N extends Name> = Parameters<NativeCalls[N]>[0];

/** What a call costs. */
export interface KernelCost<V> {
  readonly group: string | ((values: V) => string);
  /** Of products alone; left out: it moves data. */
  readonly flops?: (values: V) => number;
  /** Of what is changed in place, which is read and written; left out: each array once. */
  readonly bytes?: (values: V) => number;
}

const products = 'products';
const attention = 'attention';
const head = 'head';
const optimizer = 'optimizer and clipping';
const others = 'element by element';

const linearFlops = ({ tokens, inputs, outputs, rank }: Values<'linear' | 'linearInputGradient'>) =>
  2 * tokens * (inputs * outputs + rank * (inputs + outputs));
const headFlops = ({
  selected,
  columns,
  vocabulary,
}: Pick<Values<'selectedLogProbs'>, 'selected' | 'columns' | 'vocabulary'>) => 2 * selected * columns * vocabulary;

/** What is not here is element by element. */
const costs: { readonly [N in Name]?: KernelCost<Values<N>> } = {
  linear: { group: products, flops: linearFlops },
  linearInputGradient: { group: products, flops: linearFlops },
  linearWeightGradient: { group: products, flops: ({ tokens, inputs, outputs }) => 2 * tokens * inputs * outputs },
  matMul: { group: products, flops: ({ batch, m, n, k }) => 2 * batch * m * n * k },
  linearLowRankGradient: {
    group: 'low-rank gradients',
    // Two products each for dA and dB; the first of each is there where an image was kept.
    flops: ({ tokens, inputs, outputs, rank, xImage, dyImage }) =>
      2 * tokens * rank * ((xImage === null ? 2 : 1) * inputs + (dyImage === null ? 2 : 1) * outputs),
  },
  attention: { group: attention, flops: (values) => 4 * pairsOf(values) * values.heads * values.size },
  attentionGradient: { group: attention, flops: (values) => 10 * pairsOf(values) * values.heads * values.size },
  selectedLogProbs: { group: head, flops: headFlops },
  selectedLogProbsSlope: { group: head, flops: (values) => 2 * headFlops(values) },
  selectedLogProbsGradient: {
    group: head,
    flops: (values) => ((values.kept === null ? 2 : 1) + (values.dHead === null ? 0 : 1)) * headFlops(values),
  },
  adamw: { group: optimizer, bytes: ({ count }) => 28 * count }, // reads gradient, weight and moments, writes the last three
  accumulate: { group: optimizer, bytes: ({ count }) => 12 * count },
  reduce: { group: ({ operation }) => (operation === sumOfSquares ? optimizer : others) }, // the norm of gradients
  accumulateRows: { group: others, bytes: ({ tokens, columns }) => 12 * tokens * columns },
};

/** The numbers of keys that all queries see, as `Sight` of attention/spans.h has them. */
function pairsOf({ spanCount, spans, window }: Pick<Values<'attention'>, 'spanCount' | 'spans' | 'window'>): number {
  let pairs = 0;
  for (let span = 0; span < spanCount; span++) {
    const [, queries, , keyLength, , prefix, isCausal] = spans.subarray(7 * span, 7 * span + 7) as unknown as Span;
    const keys = prefix + keyLength;
    const first = keys - queries; // the first query's own key
    if (window === 0) pairs += isCausal === 1 ? queries * (first + 1) + (queries * (queries - 1)) / 2 : queries * keys;
    for (let own = first; window > 0 && own < keys; own++) {
      const end = isCausal === 1 ? own + 1 : Math.min(keys, own + window);
      pairs += end - Math.max(0, own - window + 1);
    }
  }
  return pairs;
}

type Span = [number, number, number, number, number, number, number];

const isArray = (kind: string) => !['size', 'integer', 'scalar', 'number', 'flag'].includes(kind);

/** Group, operations and bytes of a call of each kernel, from the values that it is given. */
export const costOf = new Map(
  (Object.keys(signatures) as Name[]).map((name) => {
    const { group, flops, bytes } = (costs[name] ?? { group: others }) as KernelCost<never>;
    const arrays = Object.entries(signatures[name]).flatMap(([parameter, { kind }]) =>
      isArray(kind) ? [parameter] : [],
    );
    return [
      name as string,
      {
        group: (values: object) => (typeof group === 'string' ? group : group(values as never)),
        flops: (values: object) => flops?.(values as never) ?? 0,
        bytes: (values: object) => bytes?.(values as never) ?? bytesOf(values as Record<string, unknown>, arrays),
      },
    ];
  }),
);

function bytesOf(values: Readonly<Record<string, unknown>>, arrays: readonly string[]): number {
  let bytes = 0;
  for (const name of arrays) bytes += bytesOfValue(values[name]);
  return bytes;
}

/** A packed weight is a list: its kind, a number and its parts. */
function bytesOfValue(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return Array.isArray(value) ? value.reduce<number>((sum, part) => sum + bytesOfValue(part), 0) : 0;
}
