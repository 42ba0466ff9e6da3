// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { checkModelFolder } from '@llmf/core';
import type { Adapter } from '../contracts/index.js';
import { readAdapterObject } from './adapter-config.js';
import { adapterErrors } from './adapter-errors.js';

/**
 * The kind that reads the adapter of a PEFT folder, by what its adapter_config.json says. Of several, the one provided
 * last: a plugin may read what a built-in kind would refuse.
 *
 * @param option what the user set to name the folder, for messages
 * @throws LLMF_NN_ADAPTER_FILE, LLMF_NN_ADAPTER_KIND
 */
export async function adapterKindOf(
  kinds: readonly Adapter[],
  folder: string,
  option: string,
): Promise<Adapter & Required<Pick<Adapter, 'load'>>> {
  await checkModelFolder(folder);
  const file = join(folder, 'adapter_config.json');
  const config = await readAdapterObject(file, option);
  const kind = kinds.findLast((each) => each.load !== undefined && each.reads?.(config) === true);
  if (kind !== undefined) return kind as Adapter & Required<Pick<Adapter, 'load'>>;
  const known = kinds.filter(({ load }) => load !== undefined).map(({ name }) => name);
  throw adapterErrors.adapterKind({ file, got: JSON.stringify(config['peft_type']) ?? 'no peft_type', known });
}
