// SPDX-License-Identifier: Apache-2.0
import { kernels, tf } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { eachElement, elementGroups, elementThreads } from '../elementwise.js';

const sigmoid = 'let sigmoid = 1.0 / (1.0 + exp(-gate[at]));';

/** silu(g) ∘ u with silu(g) = g σ(g) */
const forward = defineProgram({
  name: 'swiglu',
  reads: { gate: 'f32', up: 'f32' },
  writes: { y: 'f32' },
  numbers: { size: 'u32' },
  workgroup: elementThreads,
  code: `${eachElement}
  ${sigmoid}
  y[at] = gate[at] * sigmoid * up[at];`,
});

/** silu′(g) = σ(g) + silu(g) (1 − σ(g)) */
const backward = defineProgram({
  name: 'swiglu-gradient',
  reads: { dy: 'f32', gate: 'f32', up: 'f32' },
  writes: { dGate: 'f32', dUp: 'f32' },
  numbers: { size: 'u32' },
  workgroup: elementThreads,
  code: `${eachElement}
  ${sigmoid}
  let silu = gate[at] * sigmoid;
  dGate[at] = dy[at] * up[at] * (sigmoid + silu * (1.0 - sigmoid));
  dUp[at] = dy[at] * silu;`,
});

interface Gated {
  readonly gate: TensorInfo; // [T, F]
  readonly up: TensorInfo; // [T, F]
}

const swiglu = defineKernel<Gated>({
  kernelName: kernels.swiglu,
  run({ gate, up }, _attributes, backend) {
    const size = tf.util.sizeFromShape(gate.shape);
    const y = backend.output(gate.shape);
    backend.runner.run(forward, { reads: { gate, up }, writes: { y }, numbers: { size }, ...elementGroups(size) });
    return [y];
  },
});

const swigluGradient = defineKernel<Gated & { readonly dy: TensorInfo }>({
  kernelName: kernels.swigluGradient,
  run({ dy, gate, up }, _attributes, backend) {
    const size = tf.util.sizeFromShape(gate.shape);
    const [dGate, dUp] = [backend.output(gate.shape), backend.output(gate.shape)];
    const call = { reads: { dy, gate, up }, writes: { dGate, dUp }, numbers: { size } };
    backend.runner.run(backward, { ...call, ...elementGroups(size) });
    return [dGate, dUp];
  },
});

export const swigluKernels = [swiglu, swigluGradient];
