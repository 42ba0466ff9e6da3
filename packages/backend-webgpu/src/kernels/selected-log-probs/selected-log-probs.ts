// SPDX-License-Identifier: Apache-2.0
/**
 * With z = cap(h Wᵀ + b) / temperature for each selected row: log-probs, entropies and Σ p², and their gradients by hidden,
 * head and bias. Logits exist in chunks of rows only; a head above the limit of a buffer comes in parts.
 */
import { kernels, tf } from '@llmf/nn';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import { accumulateInto } from '../accumulate/accumulate.js';
import { columnSums } from '../column-products.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { elementGroups } from '../elementwise.js';
import { gatherRows } from '../embedding/gather-rows.js';
import { scatterRows } from '../embedding/scatter-rows.js';
import { transposed, product } from '../product/product.js';
import { Logits } from './logits.js';
import { slopeProgramOf, rowPrograms, type SlopeVariant } from './row-programs.js';

/** T tokens, C hidden size, V vocabulary, S selected rows. */
interface Inputs {
  readonly hidden: TensorInfo; // [T, C]
  readonly head: TensorInfo; // [V, C]
  readonly bias?: TensorInfo; // [V]
  readonly rows: TensorInfo; // [S] int32
  readonly targets: TensorInfo; // [S] int32
}
interface GradientInputs extends Inputs {
  readonly dLogProb?: TensorInfo;
  readonly dEntropy?: TensorInfo;
  readonly dSquared?: TensorInfo;
  readonly logSumExp: TensorInfo;
  readonly entropy?: TensorInfo;
  readonly squared?: TensorInfo;
}
/** What logits are, besides h Wᵀ + b. */
interface LogitForm {
  readonly softCap: number; // 0: none
  readonly temperature: number;
}

const selectedLogProbs = defineKernel<Inputs, LogitForm & { readonly entropy: boolean; readonly squared: boolean }>({
  kernelName: kernels.selectedLogProbs,
  run(inputs, { entropy, squared, ...form }, backend) {
    const count = inputs.rows.shape[0]!;
    const selected = gatherRows(inputs.hidden, inputs.rows, backend);
    const logits = new Logits(backend, selected, inputs.head, inputs.bias);
    const extras = entropy || squared;
    const [logProb, logSumExp] = [backend.output([count]), backend.output([count])];
    const more = extras ? [backend.output([count]), backend.output([count])] : [];
    for (const chunk of logits.chunks()) {
      const z = logits.compute(chunk);
      const writes = { logProb, logSumExp, ...(extras ? { entropy: more[0]!, squared: more[1]! } : {}) };
      logProbsOf(z, chunk.start, inputs.targets, writes, form, backend);
      backend.disposeData(z.dataId);
    }
    backend.disposeData(selected.dataId);
    const wanted = [entropy, squared].map((isWanted, at) => {
      if (isWanted) return more[at]!;
      if (extras) backend.disposeData(more[at]!.dataId);
      return backend.output([0]);
    });
    return [logProb, logSumExp, ...wanted];
  },
});

const gradient = defineKernel<GradientInputs, LogitForm & { readonly wantsHead: boolean }>({
  kernelName: kernels.selectedLogProbsGradient,
  run(inputs, { wantsHead, ...form }, backend) {
    const { hidden, head, bias, rows } = inputs;
    const selected = gatherRows(hidden, rows, backend);
    const logits = new Logits(backend, selected, head, bias);
    const dSelected = backend.output(selected.shape);
    const dHead = wantsHead ? backend.zeros(head.shape) : backend.output([0]);
    const dBias = wantsHead && bias !== undefined ? backend.zeros(bias.shape) : backend.output([0]);
    for (const chunk of logits.chunks()) {
      const z = logits.compute(chunk);
      intoSlope(z, chunk.start, inputs, form, backend);
      logits.backwards(z, chunk, dSelected);
      if (wantsHead) addOuter(z, selected, chunk.start, dHead, backend);
      if (wantsHead && bias !== undefined) addColumns(z, dBias, backend);
      backend.disposeData(z.dataId);
    }
    const dHidden = scatterRows(dSelected, rows, hidden.shape[0]!, backend);
    for (const { dataId } of [selected, dSelected]) backend.disposeData(dataId);
    return [dHidden, dHead, dBias];
  },
});

/** ∂logProb/∂hidden on the way: (W_target − Σ_v p_v W_v) / temperature. */
const slope = defineKernel<Inputs, LogitForm>({
  kernelName: kernels.selectedLogProbsSlope,
  run(inputs, form, backend) {
    const count = inputs.rows.shape[0]!;
    const selected = gatherRows(inputs.hidden, inputs.rows, backend);
    const logits = new Logits(backend, selected, inputs.head, inputs.bias);
    const [logProb, logSumExp] = [backend.output([count]), backend.output([count])];
    const slopes = backend.output(selected.shape);
    for (const chunk of logits.chunks()) {
      const z = logits.compute(chunk);
      logProbsOf(z, chunk.start, inputs.targets, { logProb, logSumExp }, form, backend);
      intoSlope(z, chunk.start, { ...inputs, logSumExp }, form, backend, 'ones');
      logits.backwards(z, chunk, slopes);
      backend.disposeData(z.dataId);
    }
    for (const { dataId } of [selected, logSumExp]) backend.disposeData(dataId);
    return [logProb, slopes];
  },
});

function logProbsOf(
  z: TensorInfo,
  start: number,
  targets: TensorInfo,
  writes: Readonly<Record<string, TensorInfo>>,
  { softCap, temperature }: LogitForm,
  backend: TrainingWebGpuBackend,
): void {
  const [groups, vocabulary] = z.shape as [number, number];
  const program = 'entropy' in writes ? rowPrograms.withExtras : rowPrograms.plain;
  backend.runner.run(program, {
    reads: { z, targets },
    writes,
    numbers: { vocabulary, start, softCap, temperature },
    groups,
    groupWork: 16 * vocabulary,
  });
}

function intoSlope(
  z: TensorInfo,
  start: number,
  inputs: GradientInputs,
  { softCap, temperature }: LogitForm,
  backend: TrainingWebGpuBackend,
  logProb: SlopeVariant['logProb'] = inputs.dLogProb === undefined ? 'none' : 'given',
): void {
  const variant = { logProb, entropy: inputs.dEntropy !== undefined, squared: inputs.dSquared !== undefined };
  const program = slopeProgramOf(variant);
  const size = tf.util.sizeFromShape(z.shape);
  backend.runner.run(program, {
    reads: inputs as unknown as Readonly<Record<string, TensorInfo>>,
    writes: { z },
    numbers: { size, vocabulary: z.shape[1]!, start, softCap, temperature },
    ...elementGroups(size),
  });
}

/** into [V, C] += zᵀ selected */
function addOuter(
  z: TensorInfo,
  selected: TensorInfo,
  start: number,
  into: TensorInfo,
  backend: TrainingWebGpuBackend,
): void {
  const [inner, rows] = z.shape as [number, number];
  const columns = selected.shape[1]!;
  const a = transposed({ tensor: z, row: rows, column: 1 });
  const b = { tensor: selected, start: start * columns, row: columns, column: 1 };
  product(backend, { rows, columns, inner, a, b, c: { tensor: into, row: columns }, adds: true });
}

/** into [V] += the column sums of z */
function addColumns(z: TensorInfo, into: TensorInfo, backend: TrainingWebGpuBackend): void {
  const sums = columnSums(z, backend);
  accumulateInto(into, sums, backend);
  backend.disposeData(sums.dataId);
}

export const selectedLogProbsKernels = [selectedLogProbs, gradient, slope];
