// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readIfThere } from '@llmf/core';
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
  const modules = await listOf(folder, 'modules.json');
  if (modules === null) return { pooling: 'mean', normalize: true, maxLength: null };
  const types = modules.map(({ type }) => String(type).split('.').at(-1)!);
  const strange = types.find((type) => !['Transformer', 'Pooling', 'Normalize'].includes(type));
  if (strange !== undefined) throw cliErrors.pooling({ folder, got: `a module ${strange}` });
  const place = modules.find(({ type }) => String(type).endsWith('Pooling'));
  const facts = (place && (await objectOf(folder, join(placeIn(folder, place), 'config.json')))) ?? {};
  const limits = (await objectOf(folder, 'sentence_bert_config.json')) ?? {};
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

/** The folder of a module, below the model's. @throws LLMF_CLI_POOLING */
function placeIn(folder: string, { path }: Json): string {
  if (typeof path === 'string' && /^\w*$/.test(path)) return path;
  throw cliErrors.pooling({ folder, got: `a module in the folder ${JSON.stringify(path)}` });
}

async function listOf(folder: string, name: string): Promise<readonly Json[] | null> {
  const value = await jsonOf(folder, name);
  if (value === null || (Array.isArray(value) && value.every(isObject))) return value as readonly Json[] | null;
  throw cliErrors.pooling({ folder, got: `${name}, which is no list of modules` });
}

async function objectOf(folder: string, name: string): Promise<Json | null> {
  const value = await jsonOf(folder, name);
  if (value === null || isObject(value)) return value as Json | null;
  throw cliErrors.pooling({ folder, got: `${name}, which is no JSON object` });
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** null: there is no such file. @throws LLMF_CLI_POOLING */
async function jsonOf(folder: string, name: string): Promise<unknown> {
  const text = await readIfThere(join(folder, name));
  try {
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch (error) {
    throw cliErrors.pooling({ folder, got: `${name}: ${(error as Error).message}` });
  }
}
