// SPDX-License-Identifier: Apache-2.0
import { plain, product } from '../kernels/product/product.js';
import type { TrainingWebGpuBackend } from './webgpu-backend.js';

const [rows, columns, inner] = [256, 256, 64];

/** Multiplications that this GPU does in a second, by a small product: what the launch costs is in it. */
export async function measuredPace(backend: TrainingWebGpuBackend): Promise<number> {
  await secondsOfProduct(backend); // compiles
  const times = [await secondsOfProduct(backend), await secondsOfProduct(backend), await secondsOfProduct(backend)];
  return Math.round((rows * columns * inner) / Math.min(...times));
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
