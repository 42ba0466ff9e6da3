// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { noRepeatedRun, noWords } from './bans.js';
import { readGenerationDefaults } from './generation-config.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-generation-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(generation: unknown, config: Record<string, unknown> = {}) {
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'llama', ...config }));
  const text = typeof generation === 'string' ? generation : JSON.stringify(generation);
  if (generation === undefined) rmSync(join(folder, 'generation_config.json'), { force: true });
  else writeFileSync(join(folder, 'generation_config.json'), text);
  return await readGenerationDefaults(folder);
}

describe('readGenerationDefaults', () => {
  it('says nothing where the folder says nothing', async () => {
    const { bans, eosIds, unapplied, ...rest } = await read(undefined);
    expect([bans, eosIds, unapplied]).toEqual([[], [], []]);
    expect(new Set(Object.values(rest))).toEqual(new Set([null]));
  });

  it('unites the end tokens of generation_config.json, config.json and its language half', async () => {
    const { eosIds } = await read({ eos_token_id: [7, 8] }, { eos_token_id: 8, text_config: { eos_token_id: [9] } });
    expect(eosIds).toEqual([7, 8, 9]);
    expect((await read({ eos_token_id: 3 }, { eos_token_id: null })).eosIds).toEqual([3]);
  });

  it('names what is not applied, and is silent about what asks for nothing', async () => {
    const silent = { num_beams: 1, typical_p: 1.0, pad_token_id: 0, use_cache: true, transformers_version: '5.18.0' };
    const empty = { stop_strings: [], forced_eos_token_id: null, early_stopping: false, guidance_scale: 1 };
    const { unapplied } = await read({ ...silent, ...empty, num_beams: 4, stop_strings: ['END'], of_tomorrow: 1 });
    expect(unapplied).toEqual(['num_beams 4', 'stop_strings ["END"]', 'of_tomorrow 1']);
  });

  it.each([
    [{ temperature: 'hot' }, 'temperature', '"hot"'],
    [{ top_p: 1.5 }, 'top_p', '1.5'],
    [{ eos_token_id: ['</s>'] }, 'eos_token_id', ''],
    [{ bad_words_ids: [[]] }, 'bad_words_ids.0', '[]'],
    ['{"a"', 'generation_config.json', 'JSON'],
  ])('refuses %j', async (generation, where, got) => {
    const error = await read(generation).catch((thrown: Error) => thrown);
    expect((error as Error).message).toMatch(/^LLMF_MODELS_GENERATION_CONFIG/);
    expect((error as Error).message).toContain(where);
    expect((error as Error).message).toContain(got);
  });
});

describe('bans', () => {
  const prompt = Int32Array.of(1, 2, 3, 1, 2);

  it('of a repeated run name every token that followed its beginning', () => {
    expect(noRepeatedRun(3)(prompt, [])).toEqual([3]); // 1 2 → 3
    expect(noRepeatedRun(2)(prompt, [9, 2])).toEqual([3, 9]); // 2 → 3, 2 → 9
    expect(noRepeatedRun(1)(prompt, [9])).toEqual([1, 2, 3, 1, 2, 9]);
    expect(noRepeatedRun(9)(prompt, [9])).toEqual([]);
  });

  it('of words name the last token where the others were written', () => {
    const ban = noWords([[7], [2, 8], [3, 1, 2, 5], [9, 9, 9, 9, 9, 9, 9]], [7]);
    expect(ban(prompt, [])).toEqual([8, 5]); // 7 is an end token, not a word
    expect(ban(prompt, [4])).toEqual([]);
  });
});
