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
}
interface Scale {
  readonly scale: number;
}

const linear = defineKernel<LinearInputs, Scale>({
  kernelName: kernels.linear,
  run({ x, weight, bias, ...adapter }, { scale }, backend) {
    const [tokens, inputs] = x.shape as [number, number];
    const outputs = weight.shape[0]!;
    const y = backend.output([tokens, outputs]);
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
    );
    return y.info;
  },
});

const inputGradient = defineKernel<InputGradientInputs, Scale>({
  kernelName: kernels.linearInputGradient,
  run({ dy, weight, ...adapter }, { scale }, backend) {
    const [tokens, outputs] = dy.shape as [number, number];
    const inputs = weight.shape[1]!;
    const dx = backend.output([tokens, inputs]);
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
    );
    return dx.info;
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

const lowRankGradient = defineKernel<LowRankGradientInputs, Scale>({
  kernelName: kernels.linearLowRankGradient,
  run({ dy, x, a, b, mask }, { scale }, backend) {
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
    );
    return [da.info, db.info];
  },
});

export const linearKernels = [linear, inputGradient, weightGradient, lowRankGradient];

const rankOf = ({ a }: Adapter): number => a?.shape[0] ?? 0;

const adapterValues = ({ a, b, mask }: Adapter, backend: NativeBackend) =>
  [backend.optionalFloats(a), backend.optionalFloats(b), backend.optionalFloats(mask)] as const;
