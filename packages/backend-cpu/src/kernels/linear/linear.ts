// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';

interface Adapter {
  readonly a?: TensorInfo; // [r, K]
  readonly b?: TensorInfo; // [N, r]
  readonly mask?: TensorInfo; // [T, K]
}
interface LinearInputs extends Adapter {
  readonly x: TensorInfo; // [T, K]
  readonly weight: TensorInfo; // [N, K]
  readonly bias?: TensorInfo; // [N]
}
interface InputGradientInputs extends Adapter {
  readonly dy: TensorInfo; // [T, N]
  readonly weight: TensorInfo;
}
interface WeightGradientInputs {
  readonly dy: TensorInfo;
  readonly x: TensorInfo;
}
interface LowRankGradientInputs extends WeightGradientInputs, Required<Pick<Adapter, 'a' | 'b'>> {
  readonly mask?: TensorInfo;
  readonly xImage?: TensorInfo; // [T, r]
  readonly dyImage?: TensorInfo; // [T, r]
}
interface Attributes {
  readonly scale: number;
  readonly keeps?: boolean;
}

const linear = defineKernel<LinearInputs, Attributes>({
  kernelName: kernels.linear,
  run({ x, weight, bias, ...adapter }, { scale, keeps }, backend) {
    const [tokens, inputs] = x.shape as [number, number];
    const outputs = weight.shape[0]!;
    const y = backend.output([tokens, outputs]);
    const image = imageOutput(tokens, adapter, keeps, backend);
    backend.kernels['linear']!(
      tokens,
      inputs,
      outputs,
      rankOf(adapter),
      scale,
      backend.floats(x),
      backend.weight(weight),
      backend.panels(weight, 'rows'),
      backend.optionalFloats(bias),
      ...adapterValues(adapter, backend),
      y.values,
      backend.roundsProducts,
      image?.values ?? null,
    );
    return image === null ? y.info : [y.info, image.info];
  },
});

const inputGradient = defineKernel<InputGradientInputs, Attributes>({
  kernelName: kernels.linearInputGradient,
  run({ dy, weight, ...adapter }, { scale, keeps }, backend) {
    const [tokens, outputs] = dy.shape as [number, number];
    const inputs = weight.shape[1]!;
    const dx = backend.output([tokens, inputs]);
    const image = imageOutput(tokens, adapter, keeps, backend);
    backend.kernels['linear_input_gradient']!(
      tokens,
      inputs,
      outputs,
      rankOf(adapter),
      scale,
      backend.floats(dy),
      backend.weight(weight),
      backend.panels(weight, 'columns'),
      ...adapterValues(adapter, backend),
      dx.values,
      backend.roundsProducts,
      image?.values ?? null,
    );
    return image === null ? dx.info : [dx.info, image.info];
  },
});

const weightGradient = defineKernel<WeightGradientInputs>({
  kernelName: kernels.linearWeightGradient,
  run({ dy, x }, _, backend) {
    const [tokens, outputs] = dy.shape as [number, number];
    const inputs = x.shape[1]!;
    const dWeight = backend.output([outputs, inputs]);
    const arrays = [backend.floats(dy), backend.floats(x), dWeight.values] as const;
    backend.kernels['linear_weight_gradient']!(tokens, inputs, outputs, ...arrays, backend.roundsProducts);
    return dWeight.info;
  },
});

const lowRankGradient = defineKernel<LowRankGradientInputs, Pick<Attributes, 'scale'>>({
  kernelName: kernels.linearLowRankGradient,
  run({ dy, x, a, b, mask, xImage, dyImage }, { scale }, backend) {
    const [tokens, outputs] = dy.shape as [number, number];
    const inputs = x.shape[1]!;
    const [da, db] = [backend.output(a.shape), backend.output(b.shape)];
    backend.kernels['linear_low_rank_gradient']!(
      tokens,
      inputs,
      outputs,
      a.shape[0]!,
      scale,
      backend.floats(dy),
      backend.floats(x),
      backend.floats(a),
      backend.floats(b),
      backend.optionalFloats(mask),
      da.values,
      db.values,
      backend.roundsProducts,
      backend.optionalFloats(xImage),
      backend.optionalFloats(dyImage),
    );
    return [da.info, db.info];
  },
});

export const linearKernels = [linear, inputGradient, weightGradient, lowRankGradient];

/** Where a kernel puts its low-rank image, if that is wanted; with a mask it has none. */
const imageOutput = (tokens: number, { a, mask }: Adapter, keeps: boolean | undefined, backend: NativeBackend) =>
  keeps === true && a !== undefined && mask === undefined ? backend.output([tokens, a.shape[0]!]) : null;

const rankOf = ({ a }: Adapter): number => a?.shape[0] ?? 0;

const adapterValues = ({ a, b, mask }: Adapter, backend: NativeBackend) =>
  [backend.optionalFloats(a), backend.optionalFloats(b), backend.optionalFloats(mask)] as const;
