// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { plain, product, transposed, type Product } from '../product/product.js';

/** T rows, K inputs, N outputs, r rank. */
interface LowRank {
  readonly a?: TensorInfo; // [r, K]
  readonly b?: TensorInfo; // [N, r]
  /** Dropout mask of the low-rank path: 0 or 1/(1 − p). */
  readonly mask?: TensorInfo; // [T, K]
}
interface Scale {
  readonly scale: number;
  /** The image of the input under the low-rank path is wanted as well. */
  readonly keeps: boolean;
}

/** y = x Wᵀ + bias + scale · ((x ∘ mask) Aᵀ) Bᵀ, the weight in parts where it is above the limit of a buffer. */
const linear = defineKernel<
  LowRank & { readonly x: TensorInfo; readonly weight: TensorInfo; readonly bias?: TensorInfo },
  Scale
>({
  kernelName: kernels.linear,
  run({ x, weight, bias, a, b, mask }, { scale, keeps }, backend) {
    const [rows, inner] = x.shape as [number, number];
    const columns = weight.shape[0]!;
    const y = backend.output([rows, columns]);
    const { format, parts } = backend.weightOf(weight);
    for (const part of parts) {
      const w = { tensor: part.tensor, row: inner, column: 1, format };
      const c = { tensor: y, start: part.first, row: columns };
      const whole = { rows, columns: part.rows, inner, a: plain(x), b: transposed(w), c };
      product(backend, { ...whole, bias, biasStart: part.first });
    }
    if (a === undefined || b === undefined) return [y];
    const image = imageOf(x, a, mask, scale, backend);
    addProduct(backend, { a: plain(image), b: transposed(plain(b)), c: plain(y) }, [rows, columns, a.shape[0]!]);
    if (keeps) return [y, image];
    backend.disposeData(image.dataId);
    return [y];
  },
});

/** dx = dy W + scale · ((dy B) A) ∘ mask */
const inputGradient = defineKernel<LowRank & { readonly dy: TensorInfo; readonly weight: TensorInfo }, Scale>({
  kernelName: kernels.linearInputGradient,
  run({ dy, weight, a, b, mask }, { scale, keeps }, backend) {
    const [rows, outputs] = dy.shape as [number, number];
    const columns = weight.shape[1]!;
    const dx = backend.output([rows, columns]);
    const { format, parts } = backend.weightOf(weight);
    for (const [index, part] of parts.entries()) {
      const w = { tensor: part.tensor, row: columns, column: 1, format };
      const of = { tensor: dy, start: part.first, row: outputs, column: 1 };
      product(backend, { rows, columns, inner: part.rows, a: of, b: w, c: plain(dx), adds: index > 0 });
    }
    if (a === undefined || b === undefined) return [dx];
    const image = imageOfGradient(dy, b, scale, backend);
    const low = { a: plain(image), b: plain(a), c: plain(dx) };
    addProduct(backend, { ...low, mask: maskOf('c', mask) }, [rows, columns, a.shape[0]!]);
    if (keeps) return [dx, image];
    backend.disposeData(image.dataId);
    return [dx];
  },
});

/** dW = dyᵀ x */
const weightGradient = defineKernel<{ readonly dy: TensorInfo; readonly x: TensorInfo }>({
  kernelName: kernels.linearWeightGradient,
  run: ({ dy, x }, _attributes, backend) => [outerProduct(dy, x, backend)],
});

/** dA = (scale · dy B)ᵀ (x ∘ mask), dB = dyᵀ (scale · (x ∘ mask) Aᵀ) */
const lowRankGradient = defineKernel<
  Required<Pick<LowRank, 'a' | 'b'>> &
    Pick<LowRank, 'mask'> & {
      readonly dy: TensorInfo;
      readonly x: TensorInfo;
      readonly xImage?: TensorInfo;
      readonly dyImage?: TensorInfo;
    },
  Pick<Scale, 'scale'>
>({
  kernelName: kernels.linearLowRankGradient,
  run({ dy, x, a, b, mask, xImage, dyImage }, { scale }, backend) {
    const ofX = xImage ?? imageOf(x, a, mask, scale, backend);
    const ofDy = dyImage ?? imageOfGradient(dy, b, scale, backend);
    const [dA, dB] = [outerProduct(ofDy, x, backend, mask), outerProduct(dy, ofX, backend)];
    if (xImage === undefined) backend.disposeData(ofX.dataId);
    if (dyImage === undefined) backend.disposeData(ofDy.dataId);
    return [dA, dB];
  },
});

/** aᵀ (b ∘ mask): [T, M], [T, N] → [M, N] */
function outerProduct(
  a: TensorInfo,
  b: TensorInfo,
  backend: TrainingWebGpuBackend,
  mask?: TensorInfo | undefined,
): TensorInfo {
  const [inner, rows] = a.shape as [number, number];
  const columns = b.shape[1]!;
  const c = backend.output([rows, columns]);
  product(backend, {
    rows,
    columns,
    inner,
    a: transposed(plain(a)),
    b: plain(b),
    c: plain(c),
    mask: maskOf('b', mask),
  });
  return c;
}

/** scale · (x ∘ mask) Aᵀ: [T, r] */
function imageOf(
  x: TensorInfo,
  a: TensorInfo,
  mask: TensorInfo | undefined,
  scale: number,
  backend: TrainingWebGpuBackend,
): TensorInfo {
  const [rows, inner] = x.shape as [number, number];
  const image = backend.output([rows, a.shape[0]!]);
  const factors = { a: plain(x), b: transposed(plain(a)), c: plain(image), mask: maskOf('a', mask) };
  product(backend, { rows, columns: a.shape[0]!, inner, ...factors, factor: scale });
  return image;
}

/** scale · dy B: [T, r] */
function imageOfGradient(dy: TensorInfo, b: TensorInfo, scale: number, backend: TrainingWebGpuBackend): TensorInfo {
  const [rows, inner] = dy.shape as [number, number];
  const rank = b.shape[1]!;
  const image = backend.output([rows, rank]);
  product(backend, { rows, columns: rank, inner, a: plain(dy), b: plain(b), c: plain(image), factor: scale });
  return image;
}

function addProduct(
  backend: TrainingWebGpuBackend,
  factors: Pick<Product, 'a' | 'b' | 'c' | 'mask'>,
  [rows, columns, inner]: readonly [number, number, number],
): void {
  product(backend, { rows, columns, inner, ...factors, adds: true });
}

const maskOf = (of: 'a' | 'b' | 'c', tensor: TensorInfo | undefined): Product['mask'] =>
  tensor === undefined ? undefined : { of, tensor };

export const linearKernels = [linear, inputGradient, weightGradient, lowRankGradient];
