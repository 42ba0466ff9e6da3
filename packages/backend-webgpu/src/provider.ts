// SPDX-License-Identifier: Apache-2.0
import { LlmfError, type BackendProvider, type StartedBackend } from '@llmf/core';
import { tf } from '@llmf/nn';
import { z } from 'zod';
import { findAdapter, type FoundAdapter } from './device/adapter.js';
import type { Dawn } from './device/dawn.js';
import { errors } from './errors.js';

export const webGpuOptions = z.strictObject({
  software: z
    .boolean()
    .default(false)
    .describe('Allow a driver that computes on the processor, such as SwiftShader: exact, slow, meant for tests.')
    .meta({ decides: false }),
});

export interface DawnSource {
  /** @throws notInstalled, notLoadable */
  load(): Promise<Dawn>;
}

/** Any GPU with a Vulkan, Direct3D 12 or Metal driver. Taken only by name. */
export function webGpuBackend(source: DawnSource): BackendProvider {
  return {
    name: 'webgpu',
    description: 'any GPU by WebGPU (Vulkan, Direct3D 12 or Metal), through the package webgpu',
    options: webGpuOptions,
    priority: 0,
    unavailable: () => whyNot(source),
    found: async () => (await findAdapter(await source.load())).name,
    start: async (options) => await start(source, webGpuOptions.parse(options)),
  };
}

async function whyNot(source: DawnSource): Promise<string | null> {
  try {
    refuseSoftware(await findAdapter(await source.load()));
    return null;
  } catch (error) {
    if (!LlmfError.is(error)) throw error;
    const { what, got, fix } = error.detail;
    return `${what}${got === undefined ? '' : ` (${got})`}; ${fix}`;
  }
}

async function start(source: DawnSource, { software }: z.infer<typeof webGpuOptions>): Promise<StartedBackend> {
  const dawn = await source.load();
  const adapter = await findAdapter(dawn);
  if (!software) refuseSoftware(adapter);
  const { startWebGpuBackend, tfBackendName } = await import('./backend/start.js');
  const { nativeFormats } = await import('./backend/weights.js');
  await startWebGpuBackend(dawn, adapter);
  return {
    tfName: tfBackendName,
    precisions: ['f32'],
    formats: [...nativeFormats],
    numerics: `webgpu-${tf.version_core}-${adapter.family.replaceAll(' ', '-')}`,
    description: `WebGPU on ${adapter.name}`,
  };
}

/** @throws softwareOnly */
function refuseSoftware({ isSoftware, name }: FoundAdapter): void {
  if (isSoftware) throw errors.softwareOnly({ adapter: name });
}
