// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';

interface MatMulInputs {
  readonly a: TensorInfo; // [..., M, K], or [..., K, M] when transposed
  readonly b: TensorInfo; // [..., K, N], or [..., N, K] when transposed
}
interface FusedMatMulInputs extends MatMulInputs {
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}
interface MatMulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}
interface FusedMatMulAttributes extends MatMulAttributes {
  readonly activation: string | null;
}

const batchMatMul = defineKernel<MatMulInputs, MatMulAttributes>({
  kernelName: 'BatchMatMul',
  accepts: ({ a, b }, attributes, backend) => isProduct(a, b, attributes, backend),
  run: ({ a, b }, attributes, backend) => matMul(a, b, attributes, null, backend),
});

/** With a bias per column and no activation; anything else is the JS kernel's. */
const fusedMatMul = defineKernel<FusedMatMulInputs, FusedMatMulAttributes>({
  kernelName: '_FusedMatMul',
  accepts({ a, b, bias, preluActivationWeights }, attributes, backend) {
    if (!isProduct(a, b, attributes, backend) || preluActivationWeights !== undefined) return false;
    const columns = b.shape.at(attributes.transposeB ? -2 : -1)!;
    const biasFits =
      bias === undefined || (backend.isFloats(bias) && bias.shape.length === 1 && bias.shape[0] === columns);
    return biasFits && (attributes.activation === null || attributes.activation === 'linear');
  },
  run: ({ a, b, bias }, attributes, backend) => matMul(a, b, attributes, backend.optionalFloats(bias), backend),
});

export const matMulKernels = [batchMatMul, fusedMatMul];

/** Inner sizes agree and the batch axes are equal, or one factor has a batch of one. */
function isProduct(a: TensorInfo, b: TensorInfo, { transposeA, transposeB }: MatMulAttributes, backend: NativeBackend) {
  if (!backend.isFloats(a) || !backend.isFloats(b) || a.shape.length < 2 || b.shape.length < 2) return false;
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batches =
    left.join() === right.join() || tf.util.sizeFromShape(left) === 1 || tf.util.sizeFromShape(right) === 1;
  return batches && a.shape.at(transposeA ? -2 : -1) === b.shape.at(transposeB ? -1 : -2);
}

function matMul(
  a: TensorInfo,
  b: TensorInfo,
  { transposeA, transposeB }: MatMulAttributes,
  bias: Float32Array | null,
  backend: NativeBackend,
): TensorInfo {
  const m = a.shape.at(transposeA ? -1 : -2)!;
  const k = a.shape.at(transposeA ? -2 : -1)!;
  const n = b.shape.at(transposeB ? -2 : -1)!;
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = tf.util.sizeFromShape(outer);
  const repeatsA = tf.util.sizeFromShape(a.shape.slice(0, -2)) === 1;
  const repeatsB = tf.util.sizeFromShape(b.shape.slice(0, -2)) === 1;
  const y = backend.output([...outer, m, n]);
  backend.kernels.matMul({
    batch,
    m,
    n,
    k,
    transposeA,
    transposeB,
    aBatch: repeatsA ? 0 : m * k,
    bBatch: repeatsB ? 0 : k * n,
    a: backend.floats(a),
    b: backend.floats(b),
    bias,
    c: y.values,
  });
  return y.info;
}
