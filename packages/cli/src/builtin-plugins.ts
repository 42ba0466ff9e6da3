// SPDX-License-Identifier: Apache-2.0
import type { Plugin } from '@llmf/core';

type PluginModule = { readonly default: () => Plugin };

/** What a plain `llmf` can do, as plugins like any other, in the order they are applied. */
const builtins: Readonly<Record<string, () => Promise<PluginModule>>> = {
  '@llmf/nn': () => import('@llmf/nn'),
  '@llmf/adapters': () => import('@llmf/adapters'),
  '@llmf/training': () => import('@llmf/training'),
  '@llmf/models': () => import('@llmf/models'),
  '@llmf/data': () => import('@llmf/data'),
  '@llmf/stages': () => import('@llmf/stages'),
  '@llmf/rollouts': () => import('@llmf/rollouts'),
  '@llmf/loss-sft': () => import('@llmf/loss-sft'),
  '@llmf/quantization': () => import('@llmf/quantization'),
  '@llmf/backend-wasm': () => import('@llmf/backend-wasm'),
  '@llmf/backend-cpu': () => import('@llmf/backend-cpu'),
};

export const builtinPackages: readonly string[] = Object.keys(builtins);

/** The built-in plugins that are installed; one that is missing is left out. */
export async function builtinPlugins(): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  for (const [name, load] of Object.entries(builtins)) {
    const module = await load().catch((error: unknown) => absent(error, name));
    if (module !== null) plugins.push(module.default());
  }
  return plugins;
}

/** null when this very package is not installed; anything else is an error. */
function absent(error: unknown, name: string): null {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)) return null;
  throw error;
}
