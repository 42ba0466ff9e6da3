// SPDX-License-Identifier: Apache-2.0
import { plain, product } from '../kernels/product/product.js';
import type { TrainingWebGpuBackend } from './webgpu-backend.js';

/**
 * Drivers reset a GPU whose dispatch lasts seconds (two on Windows), and the screen stands still meanwhile: half of half a
 * second leaves room for what else uses the GPU.
 */
const secondsPerDispatch = 0.25;

const [rows, columns, inner] = [256, 256, 64];

/** Multiplications that this GPU does in a quarter of a second, by a small product: what the launch costs is in it. */
export async function affordableWork(backend: TrainingWebGpuBackend): Promise<number> {
  await secondsOfProduct(backend); // compiles
  const times = [await secondsOfProduct(backend), await secondsOfProduct(backend), await secondsOfProduct(backend)];
  return Math.max(2 ** 20, Math.round(((rows * columns * inner) / Math.min(...times)) * secondsPerDispatch));
}

async function secondsOfProduct(backend: TrainingWebGpuBackend): Promise<number> {
  const [a, b, c] = [backend.zeros([rows, inner]), backend.zeros([inner, columns]), backend.output([rows, columns])];
  backend.runner.submit();
  await backend.queue.onSubmittedWorkDone();
  const started = performance.now();
  product(backend, { rows, columns, inner, a: plain(a), b: plain(b), c: plain(c) });
  backend.runner.submit();
  await backend.queue.onSubmittedWorkDone();
  for (const { dataId } of [a, b, c]) backend.disposeData(dataId);
  return (performance.now() - started) / 1000;
}
