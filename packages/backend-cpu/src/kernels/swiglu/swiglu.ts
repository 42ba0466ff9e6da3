// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';

/** gate and up, or what is kept of them: bf16 words of gate, then of up, as one int32 tensor of their shape. */
type Gated = { readonly gate: TensorInfo; readonly up: TensorInfo } | { readonly kept: TensorInfo };

const swiglu = defineKernel<Gated, { readonly keeps: boolean }>({
  kernelName: kernels.swiglu,
  run(gated, { keeps }, backend) {
    const { shape } = 'kept' in gated ? gated.kept : gated.gate;
    const rounds = backend.roundsProducts;
    const y = backend.output(shape);
    const kept = keeps && rounds ? backend.outputIntegers(shape) : null;
    const values = valuesOf(gated, backend);
    backend.kernels.swiglu({ count: y.values.length, rounds, ...values, y: y.values, keep: kept?.values ?? null });
    return kept === null ? y.info : [y.info, kept.info];
  },
});

const swigluGradient = defineKernel<Gated & { readonly dy: TensorInfo }>({
  kernelName: kernels.swigluGradient,
  run({ dy, ...gated }, _, backend) {
    const [dGate, dUp] = [backend.output(dy.shape), backend.output(dy.shape)];
    backend.kernels.swigluGradient({
      count: dGate.values.length,
      rounds: backend.roundsProducts,
      ...valuesOf(gated, backend),
      dy: backend.floats(dy),
      dGate: dGate.values,
      dUp: dUp.values,
    });
    return [dGate.info, dUp.info];
  },
});

export const swigluKernels = [swiglu, swigluGradient];

const valuesOf = (gated: Gated, backend: NativeBackend) =>
  'kept' in gated
    ? { gate: null, up: null, kept: backend.integers(gated.kept) }
    : { gate: backend.floats(gated.gate), up: backend.floats(gated.up), kept: null };
