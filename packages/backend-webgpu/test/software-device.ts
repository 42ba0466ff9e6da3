// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { webGpuBackend, type DawnSource } from '../src/index.js';
import { tf } from '@llmf/nn';
import { startWebGpuBackend } from '../src/backend/start.js';
import { findAdapter } from '../src/device/adapter.js';
import { loadDawn } from '../src/device/dawn.js';

/** SwiftShader, a Vulkan driver that computes on the processor, as Debian's chromium brings it. */
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** What tests look at in the backend that computes. */
export interface ComputingBackend {
  readonly device: { destroy(): void };
  readonly runner: { run(...call: unknown[]): void };
  readonly bufferManager: Readonly<
    Record<'numUsedBuffers' | 'numFreeBuffers' | 'numBytesUsed' | 'numBytesAllocated', number>
  >;
}

const installedDawn: DawnSource = { load: () => loadDawn([import.meta.dirname]) };

/** null where tests can compute, on a GPU or on SwiftShader, else why they are skipped. */
export async function whySkipped(): Promise<string | null> {
  if (existsSync(swiftShader)) process.env['VK_ICD_FILENAMES'] ??= swiftShader;
  try {
    await start();
    return null;
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0];
    return `${reason}; how to install what these tests need: docs/gpu.md`;
  }
}

export const start = async (): Promise<void> => void (await webGpuBackend(installedDawn).start({ software: true }));

/** A new device that takes no buffer above this many bytes. */
export async function startWithLimit(bytes: number): Promise<void> {
  const dawn = await installedDawn.load();
  tf.removeBackend('webgpu');
  await startWebGpuBackend(dawn, await findAdapter(dawn), bytes);
}
