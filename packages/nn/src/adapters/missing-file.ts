// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifThere, isThere } from '@llmf/core';
import { adapterErrors } from './adapter-errors.js';

/**
 * adapter_model.safetensors of a PEFT folder.
 * @param option what the user set to name the folder, for messages
 * @throws LLMF_NN_ADAPTER_FILE for a folder without weights, LLMF_NN_ADAPTER_PICKLED where they are pickled.
 */
export async function adapterWeightFile(folder: string, option: string): Promise<string> {
  const file = join(folder, 'adapter_model.safetensors');
  if (await isThere(file)) return file;
  throw await missingFile(file, option);
}

/** What to say of a file that its folder does not have. */
export async function missingFile(file: string, option: string): Promise<Error> {
  const folder = dirname(file);
  const names = await ifThere(readdir(folder));
  if (names === null) return adapterErrors.adapterFile({ path: folder, problem: 'no such folder', option });
  const pickled = names.find((name) => /^adapter_model\.(bin|pth?)$/.test(name));
  if (pickled !== undefined) return adapterErrors.adapterPickled({ file: join(folder, pickled) });
  const problem = `no such file beside ${names.slice(0, 8).join(', ') || 'nothing'}`;
  return adapterErrors.adapterFile({ path: file, problem, option });
}
