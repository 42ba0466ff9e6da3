// SPDX-License-Identifier: Apache-2.0
import { resolveConfig, wholeSource } from '@llmf/core';
import { expect } from 'vitest';
import { composeEngine } from '../../compose-engine.js';
import { toolNamed } from '../foreign-words.js';
import { flattened } from '../trlx.js';
import { translate, type Options, type Translated } from '../translation.js';

/** A translation, after every option was found in its report. */
export function translated(tool: string, options: Options): Translated & { readonly keys: readonly string[] } {
  const result = translate(toolNamed(tool), options);
  const keys = result.report.filter(({ isDefault }) => !isDefault).map(({ key }) => key);
  expect(keys).toEqual(Object.keys(tool === 'trlx' ? flattened(options) : options));
  return { ...result, keys };
}

/** Options that are refused. */
export const refusals = (tool: string, options: Options): string[] =>
  translated(tool, options)
    .report.filter(({ kind }) => kind === 'refused')
    .map(({ key }) => key);

/** Is a config that llmf takes, with keys of ours over it. */
export async function checked(config: Options, more: Options = {}): Promise<void> {
  const raw = Object.fromEntries(
    Object.entries({ ...config, ...more }).map(([key, value]) => [key, merged(config[key], value)]),
  );
  const input = { raw, source: wholeSource('there'), folder: process.cwd(), file: null };
  const { engine, named } = await composeEngine({ folder: process.cwd(), input });
  try {
    await resolveConfig(engine, raw, { source: input.source, named });
  } finally {
    await engine.close();
  }
}

const isPlain = (value: unknown): value is Options =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const merged = (under: unknown, over: unknown): unknown =>
  isPlain(under) && isPlain(over) ? { ...under, ...over } : over;
