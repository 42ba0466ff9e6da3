// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pooling } from '@llmf/training';
import { cliErrors } from './cli-errors.js';

export interface TextVectors {
  readonly pooling: Pooling;
  readonly normalize: boolean;
  /** Tokens of a text; null: as many as the model sees. */
  readonly maxLength: number | null;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * How a folder's texts become vectors, by sentence-transformers' modules.json, 1_Pooling/config.json and
 * sentence_bert_config.json; the mean of length 1 where there are none.
 * @throws LLMF_CLI_POOLING for modules that are not computed
 */
export async function vectorsOf(folder: string): Promise<TextVectors> {
  const modules = await jsonOf<readonly Json[]>(join(folder, 'modules.json'));
  if (modules === null) return { pooling: 'mean', normalize: true, maxLength: null };
  const types = modules.map(({ type }) => String(type).split('.').at(-1)!);
  const strange = types.find((type) => !['Transformer', 'Pooling', 'Normalize'].includes(type));
  if (strange !== undefined) throw cliErrors.pooling({ folder, got: `a module ${strange}` });
  const place = modules.find(({ type }) => String(type).endsWith('Pooling'));
  const facts = (place && (await jsonOf<Json>(join(folder, String(place['path']), 'config.json')))) ?? {};
  const limits = (await jsonOf<Json>(join(folder, 'sentence_bert_config.json'))) ?? {};
  const length = limits['max_seq_length'];
  return {
    pooling: poolingOf(facts, folder),
    normalize: types.includes('Normalize'),
    maxLength: typeof length === 'number' ? length : null,
  };
}

const modes: readonly (readonly [key: string, pooling: Pooling])[] = [
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_cls_token', 'first'],
  ['pooling_mode_lasttoken', 'last'],
];

/** Either flags by mode, or its name. */
function poolingOf(facts: Json, folder: string): Pooling {
  const named = { mean: 'mean', cls: 'first', lasttoken: 'last' }[String(facts['pooling_mode'])] as Pooling | undefined;
  if (named !== undefined) return named;
  const set = Object.keys(facts).filter((key) => key.startsWith('pooling_mode_') && facts[key] === true);
  const known = modes.find(([key]) => set.length === 1 && set[0] === key);
  if (known !== undefined) return known[1];
  throw cliErrors.pooling({ folder, got: set.length === 0 ? 'no mode' : set.join(' and ') });
}

async function jsonOf<T>(file: string): Promise<T | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as T);
}
