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
    backend.kernels.linear({
      tokens,
      inputs,
      outputs,
      rank: rankOf(adapter),
      scale,
      rounds: backend.roundsProducts,
      x: backend.floats(x),
      weight: backend.weight(weight),
      panels: backend.panels(weight, 'rows'),
      bias: backend.optionalFloats(bias),
      a: backend.optionalFloats(adapter.a),
      b: backend.optionalFloats(adapter.b),
      mask: backend.optionalFloats(adapter.mask),
      y: y.values,
      image: image?.values ?? null,
    });
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
    backend.kernels.linearInputGradient({
      tokens,
      inputs,
      outputs,
      rank: rankOf(adapter),
      scale,
      rounds: backend.roundsProducts,
      dy: backend.floats(dy),
      weight: backend.weight(weight),
      panels: backend.panels(weight, 'columns'),
      a: backend.optionalFloats(adapter.a),
      b: backend.optionalFloats(adapter.b),
      mask: backend.optionalFloats(adapter.mask),
      dx: dx.values,
      image: image?.values ?? null,
    });
    return image === null ? dx.info : [dx.info, image.info];
  },
});

const weightGradient = defineKernel<WeightGradientInputs>({
  kernelName: kernels.linearWeightGradient,
  run({ dy, x }, _, backend) {
    const [tokens, outputs] = dy.shape as [number, number];
    const inputs = x.shape[1]!;
    const dWeight = backend.output([outputs, inputs]);
    backend.kernels.linearWeightGradient({
      tokens,
      inputs,
      outputs,
      rounds: backend.roundsProducts,
      dy: backend.floats(dy),
      x: backend.floats(x),
      dWeight: dWeight.values,
    });
    return dWeight.info;
  },
});

const lowRankGradient = defineKernel<LowRankGradientInputs, Pick<Attributes, 'scale'>>({
  kernelName: kernels.linearLowRankGradient,
  run({ dy, x, a, b, mask, xImage, dyImage }, { scale }, backend) {
    const [tokens, outputs] = dy.shape as [number, number];
    const inputs = x.shape[1]!;
    const [da, db] = [backend.output(a.shape), backend.output(b.shape)];
    backend.kernels.linearLowRankGradient({
      tokens,
      inputs,
      outputs,
      rank: a.shape[0]!,
      scale,
      rounds: backend.roundsProducts,
      dy: backend.floats(dy),
      x: backend.floats(x),
      a: backend.floats(a),
      b: backend.floats(b),
      mask: backend.optionalFloats(mask),
      xImage: backend.optionalFloats(xImage),
      dyImage: backend.optionalFloats(dyImage),
      dA: da.values,
      dB: db.values,
    });
    return [da.info, db.info];
  },
});

export const linearKernels = [linear, inputGradient, weightGradient, lowRankGradient];

/** Where a kernel puts its low-rank image, if that is wanted; with a mask it has none. */
const imageOutput = (tokens: number, { a, mask }: Adapter, keeps: boolean | undefined, backend: NativeBackend) =>
  keeps === true && a !== undefined && mask === undefined ? backend.output([tokens, a.shape[0]!]) : null;

const rankOf = ({ a }: Adapter): number => a?.shape[0] ?? 0;
