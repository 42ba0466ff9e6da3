// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Run } from '@llmf/core';
import { ModelLoaderToken, type AttachedAdapter } from '@llmf/nn';
import { trainingErrors } from '../training-errors.js';
import { hostTensors } from './variable-state.js';

/**
 * Makes a model part of what a checkpoint belongs to: a run goes on with the weights it began with, wherever they lie now.
 * @param name of the state: `base`, `reference`
 * @param adapter a saved one that the run began with
 */
export async function keepIdentity(
  run: Run,
  name: string,
  folder: string,
  adapter: AttachedAdapter | null = null,
): Promise<void> {
  const model = await run.container.resolve(ModelLoaderToken).fingerprint(folder);
  const now = { model, adapter: await adapterFingerprint(adapter) };
  run.state.add(name, {
    save: () => ({ json: now }),
    load: ({ json }) => {
      const before = json as typeof now;
      for (const part of ['model', 'adapter'] as const) {
        if (before[part] === now[part]) continue;
        throw trainingErrors.modelChanged({ name, part, folder, before: before[part], now: now[part] });
      }
    },
  });
}

/** Of an adapter's values; null for one that changes nothing yet. */
export async function adapterFingerprint(adapter: AttachedAdapter | null): Promise<string | null> {
  if (adapter === null || adapter.isIdentity) return null;
  const hash = createHash('sha256');
  for (const [name, { data }] of Object.entries(await hostTensors(adapter.variables))) hash.update(name).update(data);
  return hash.digest('hex');
}
