// SPDX-License-Identifier: Apache-2.0
import { declareBackend, tf } from '@llmf/nn';
import { openDevice, type FoundAdapter } from '../device/adapter.js';
import type { Dawn } from '../device/dawn.js';
import { webGpuKernels } from '../kernels/index.js';
import { measuredPace } from './measured-pace.js';
import { nativeFormats } from './weights.js';
import { TrainingWebGpuBackend } from './webgpu-backend.js';

/** The name under which tfjs registers its kernels. */
export const tfBackendName = 'webgpu';

/**
 * Makes it the current backend; one that was lost is replaced.
 *
 * @param bufferLimit bytes of the largest buffer, where it shall be below the GPU's own
 * @throws startFailed
 */
export async function startWebGpuBackend(
  dawn: Dawn,
  adapter: FoundAdapter,
  bufferLimit?: number,
): Promise<TrainingWebGpuBackend> {
  const running = tf.findBackendFactory(tfBackendName) === null ? null : tf.findBackend(tfBackendName);
  if (!(running instanceof TrainingWebGpuBackend) || running.isLost) await register(dawn, adapter, bufferLimit);
  await tf.setBackend(tfBackendName);
  const backend = tf.backend() as TrainingWebGpuBackend;
  if (backend !== running && bufferLimit === undefined) backend.runner.paces.first = await measuredPace(backend);
  return backend;
}

async function register(dawn: Dawn, adapter: FoundAdapter, bufferLimit?: number): Promise<void> {
  provideGlobals(dawn);
  const device = await openDevice(adapter);
  const backend = withNavigator(() => new TrainingWebGpuBackend(device, adapter, bufferLimit));
  if (tf.findBackendFactory(tfBackendName) !== null) tf.removeBackend(tfBackendName);
  registerKernels();
  tf.registerBackend(tfBackendName, () => backend);
  declareBackend(tfBackendName, {
    memory: 'device',
    formats: nativeFormats,
    upload: (weight) => (tf.backend() as TrainingWebGpuBackend).uploadWeight(weight),
  });
  // tfjs computes small values on the host, in other bits than the GPU's: whether it does must not depend on where a
  // resumed run's values lie.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
}

let isRegistered = false;

function registerKernels(): void {
  if (!isRegistered) for (const kernel of webGpuKernels) kernel.register(tfBackendName);
  isRegistered = true;
}

/** tfjs's backend reads these as a browser's globals. */
function provideGlobals({ globals }: Dawn): void {
  const names = ['GPUBuffer', 'GPUTexture', 'GPUBufferUsage', 'GPUMapMode'];
  for (const name of names) (globalThis as Record<string, unknown>)[name] ??= globals[name];
}

/** tfjs's constructor asks for a navigator with `gpu`. One that stays would keep the process from ending. */
function withNavigator<T>(construct: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: true }, configurable: true });
  try {
    return construct();
  } finally {
    if (before === undefined) delete (globalThis as { navigator?: unknown }).navigator;
    else Object.defineProperty(globalThis, 'navigator', before);
  }
}
