// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { webGpuBackend, type DawnSource } from '../src/index.js';
import { loadDawn } from '../src/device/dawn.js';

/** SwiftShader, a Vulkan driver that computes on the processor, as Debian's chromium brings it. */
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

export const installedDawn: DawnSource = { load: () => loadDawn([import.meta.dirname]) };

/** null where tests can compute, on a GPU or on SwiftShader, else why they are skipped. */
export async function whySkipped(): Promise<string | null> {
  if (existsSync(swiftShader)) process.env['VK_ICD_FILENAMES'] ??= swiftShader;
  try {
    await start();
    return null;
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0];
    return `${reason}; on Debian: apt install libvulkan1 chromium-common`;
  }
}

export const start = async (): Promise<void> => void (await webGpuBackend(installedDawn).start({ software: true }));
