// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import type { PanelSide } from '../linear/weight-panels.js';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';

/** x, dy, starts, and a tensor for each group whose name ends with its number: weight0, a0, b0, weight1, … */
type Inputs = Readonly<Record<string, TensorInfo>>;
interface Attributes {
  readonly groups: number;
  readonly rank: number;
  readonly scale: number;
  readonly keeps?: boolean;
}

const groupedLinear = defineKernel<Inputs, Attributes>({
  kernelName: kernels.groupedLinear,
  run(inputs, { keeps, ...attributes }, backend) {
    const x = inputs['x']!;
    const layers = layersOf(inputs, attributes, backend, 'rows');
    const y = backend.output([x.shape[0]!, layers.outputs]);
    const image = imageOutput(x, layers, keeps, backend);
    backend.kernels.groupedLinear({ ...layers, x: backend.floats(x), y: y.values, image: image?.values ?? null });
    return image === null ? y.info : [y.info, image.info];
  },
});

const inputGradient = defineKernel<Inputs, Attributes>({
  kernelName: kernels.groupedLinearInputGradient,
  run(inputs, { keeps, ...attributes }, backend) {
    const dy = inputs['dy']!;
    const layers = layersOf(inputs, attributes, backend, 'columns');
    const dx = backend.output([dy.shape[0]!, layers.inputs]);
    const image = imageOutput(dy, layers, keeps, backend);
    backend.kernels.groupedLinearInputGradient({
      ...layers,
      dy: backend.floats(dy),
      dx: dx.values,
      image: image?.values ?? null,
    });
    return image === null ? dx.info : [dx.info, image.info];
  },
});

const weightGradient = defineKernel<Inputs, Pick<Attributes, 'groups'>>({
  kernelName: kernels.groupedLinearWeightGradient,
  run(inputs, { groups }, backend) {
    const rows = rowsOf(inputs, groups, backend);
    const dWeights = Array.from({ length: groups }, () => backend.output([rows.outputs, rows.inputs]));
    backend.kernels.groupedLinearWeightGradient({ ...rows, dWeights: dWeights.map(({ values }) => values) });
    return dWeights.map(({ info }) => info);
  },
});

/** dA and dB of each group that has factors, group after group. */
const lowRankGradient = defineKernel<Inputs, Attributes>({
  kernelName: kernels.groupedLinearLowRankGradient,
  run(inputs, { groups, rank, scale }, backend) {
    const gradients = each(groups, (group) => {
      const [a, b] = [inputs[`a${group}`], inputs[`b${group}`]];
      return a === undefined || b === undefined ? null : [backend.output(a.shape), backend.output(b.shape)];
    });
    backend.kernels.groupedLinearLowRankGradient({
      ...rowsOf(inputs, groups, backend),
      rank,
      scale,
      ...factorsOf(inputs, groups, backend),
      xImage: backend.optionalFloats(inputs['xImage']),
      dyImage: backend.optionalFloats(inputs['dyImage']),
      dA: gradients.map((pair) => pair?.[0]!.values ?? null),
      dB: gradients.map((pair) => pair?.[1]!.values ?? null),
    });
    return gradients.flatMap((pair) => pair?.map(({ info }) => info) ?? []);
  },
});

export const groupedLinearKernels = [groupedLinear, inputGradient, weightGradient, lowRankGradient];

const each = <Value>(groups: number, make: (group: number) => Value): Value[] =>
  Array.from({ length: groups }, (_, group) => make(group));

/** The factors of all groups, null for those that have none. */
const factorsOf = (inputs: Inputs, groups: number, backend: NativeBackend) => ({
  a: each(groups, (group) => backend.optionalFloats(inputs[`a${group}`])),
  b: each(groups, (group) => backend.optionalFloats(inputs[`b${group}`])),
});

/** dy and x beside each other. */
const rowsOf = (inputs: Inputs, groups: number, backend: NativeBackend) => ({
  groups,
  rows: inputs['dy']!.shape[0]!,
  inputs: inputs['x']!.shape[1]!,
  outputs: inputs['dy']!.shape[1]!,
  rounds: backend.roundsProducts,
  starts: backend.integers(inputs['starts']!),
  dy: backend.floats(inputs['dy']!),
  x: backend.floats(inputs['x']!),
});

function layersOf(
  given: Inputs,
  { groups, rank, scale }: Omit<Attributes, 'keeps'>,
  backend: NativeBackend,
  side: PanelSide,
) {
  const weights = each(groups, (group) => given[`weight${group}`]!);
  const [outputs, inputs] = weights[0]!.shape as [number, number];
  const panels = weights.map((weight) => backend.panels(weight, side));
  const hasFactors = rank > 0;
  return {
    groups,
    rows: (given['x'] ?? given['dy'])!.shape[0]!,
    inputs,
    outputs,
    rounds: backend.roundsProducts,
    starts: backend.integers(given['starts']!),
    rank,
    scale,
    weights: weights.map((weight) => backend.weight(weight)),
    ...(hasFactors ? factorsOf(given, groups, backend) : { a: null, b: null }),
    panels: panels.some((each) => each !== null) ? panels : null,
  };
}

/** Where a kernel puts the low-rank images of its rows, if they are wanted. */
const imageOutput = (
  { shape }: TensorInfo,
  { rank }: { readonly rank: number },
  keeps: boolean | undefined,
  backend: NativeBackend,
) => (keeps === true && rank > 0 ? backend.output([shape[0]!, rank]) : null);
