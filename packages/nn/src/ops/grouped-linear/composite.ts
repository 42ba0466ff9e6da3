// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import {
  linearComposite,
  linearInputGradientComposite,
  linearLowRankGradientComposite,
  linearWeightGradientComposite,
} from '../linear/composite.js';
import { groupsOf } from './groups.js';

/** x or dy, starts, and for each group its weight and perhaps its factors: weight0, a0, b0, weight1, … */
export type GroupedInputs = Readonly<Record<string, Tensor>>;

export interface GroupedAttributes {
  readonly groups: number;
  /** 0: no group has factors. */
  readonly rank: number;
  readonly scale: number;
  /** The low-rank images of the rows are wanted as well; composites have none to give. */
  readonly keeps: boolean;
}

/** y of each group's rows, as `linear` computes it. */
export function groupedLinearComposite(
  { x, starts, ...layers }: GroupedInputs,
  { scale }: GroupedAttributes,
): readonly Tensor2D[] {
  const groups = groupsOf(starts as Tensor1D);
  const parts = groups.apart(x as Tensor2D).map((rows, group) => {
    const [y] = linearComposite({ x: rows, ...layerOf(layers, group) }, { scale, keeps: false });
    return y!;
  });
  return [groups.together(parts)];
}

/** dx of each group's rows. */
export function groupedInputGradientComposite(
  { dy, starts, ...layers }: GroupedInputs,
  { scale }: GroupedAttributes,
): readonly Tensor2D[] {
  const groups = groupsOf(starts as Tensor1D);
  const parts = groups.apart(dy as Tensor2D).map((rows, group) => {
    const [dx] = linearInputGradientComposite({ dy: rows, ...layerOf(layers, group) }, { scale, keeps: false });
    return dx!;
  });
  return [groups.together(parts)];
}

/** dW of each group. */
export function groupedWeightGradientComposite({ dy, x, starts }: GroupedInputs): readonly Tensor2D[] {
  const groups = groupsOf(starts as Tensor1D);
  const xs = groups.apart(x as Tensor2D);
  return groups
    .apart(dy as Tensor2D)
    .map((rows, group) => linearWeightGradientComposite({ dy: rows, x: xs[group]! })[0]);
}

/** dA and dB of each group that has factors. */
export function groupedLowRankGradientComposite(
  { dy, x, starts, ...layers }: GroupedInputs,
  { scale }: Pick<GroupedAttributes, 'scale'>,
): readonly Tensor2D[] {
  const groups = groupsOf(starts as Tensor1D);
  const xs = groups.apart(x as Tensor2D);
  return groups.apart(dy as Tensor2D).flatMap((rows, group) => {
    const { a, b } = layerOf(layers, group);
    if (a === undefined || b === undefined) return [];
    return linearLowRankGradientComposite({ dy: rows, x: xs[group]!, a, b }, { scale });
  });
}

const layerOf = (layers: GroupedInputs, group: number) => ({
  weight: layers[`weight${group}`] as Tensor2D,
  a: layers[`a${group}`] as Tensor2D | undefined,
  b: layers[`b${group}`] as Tensor2D | undefined,
});
