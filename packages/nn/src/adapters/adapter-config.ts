// SPDX-License-Identifier: Apache-2.0
import { readText } from '@llmf/core';
import type { z } from 'zod';
import { adapterErrors } from './adapter-errors.js';
import type { PeftForm } from './peft-form.js';
import { missingFile } from './missing-file.js';

/** Keys of every adapter_config.json that do not matter once an adapter is saved (peft/config.py, 0.21). */
const alwaysSilent: ReadonlySet<string> = new Set(
  'auto_mapping base_model_name_or_path revision task_type inference_mode peft_version runtime_config'.split(' '),
);

const unknownKey = {
  expected: 'keys of PEFT 0.21',
  fix: 'merge it into the model with PEFT (merge_and_unload, then save_pretrained) and use that folder, or tell us of this key',
};

/**
 * @param tensors names in the adapter's file: the message tells which of them belong to the key
 * @throws LLMF_NN_ADAPTER_FILE, LLMF_NN_ADAPTER_KEY
 */
export async function readAdapterConfig<Schema extends z.ZodObject>(
  file: string,
  option: string,
  form: PeftForm<Schema>,
  tensors: readonly string[],
): Promise<z.output<Schema>> {
  const content = await readAdapterObject(file, option);
  for (const [key, value] of Object.entries(content)) {
    if (key in form.computed.shape || alwaysSilent.has(key) || form.silent.has(key) || isNothing(value)) continue;
    const refusal = form.refusal === undefined ? unknownKey : form.refusal(key, value, tensors);
    if (refusal === null) continue;
    const got = `${JSON.stringify(value)}${tensorText(tensors.filter((name) => !form.reads(name)))}`;
    throw adapterErrors.adapterKey({ file, key, got, ...refusal });
  }
  const parsed = form.computed.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const message = issue!.code === 'invalid_key' ? issue!.issues[0]!.message : issue!.message;
  const problem = `${issue!.path.join('.')}: ${message}`;
  throw adapterErrors.adapterFile({ path: file, problem, option, expected: form.expected });
}

/** The content of adapter_config.json. @throws LLMF_NN_ADAPTER_FILE */
export async function readAdapterObject(file: string, option: string): Promise<Record<string, unknown>> {
  let problem = 'no JSON object';
  try {
    const content: unknown = JSON.parse(await readText(file));
    if (typeof content === 'object' && content !== null) return content as Record<string, unknown>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw await missingFile(file, option);
    problem = (error as Error).message;
  }
  throw adapterErrors.adapterFile({ path: file, problem, option });
}

const isNothing = (value: unknown): boolean =>
  value === null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

/** Names tensors that the kind does not read, for whoever looks for them in the file. */
function tensorText(special: readonly string[]): string {
  if (special.length === 0) return '';
  const more = special.length > 3 ? ` and ${special.length - 3} more` : '';
  return ` (tensors ${special.slice(0, 3).join(', ')}${more})`;
}
