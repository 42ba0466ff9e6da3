// SPDX-License-Identifier: Apache-2.0
/** Answers under keys of generation_config.json are those of Transformers (oracles/models/generation.py). */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noRepeatedRun, readGenerationDefaults } from '@llmf/models';
import { generate } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import { fixture, fixturesFolder, loadFixture, scratchFolder } from './fixture.js';

const oracle = JSON.parse(readFileSync(join(fixturesFolder, 'generation.json'), 'utf8')) as {
  readonly prompt: readonly number[];
  readonly cases: Readonly<Record<string, { readonly settings: object; readonly ids: readonly number[] }>>;
};
const scratch = scratchFolder();
afterAll(() => scratch.remove());

describe('generation_config.json', () => {
  it.each(Object.entries(oracle.cases))('%s', async (label, { settings, ids }) => {
    const folder = join(scratch.path, label.replaceAll(/\W/g, '-'));
    cpSync(fixture('qwen2'), folder, { recursive: true });
    writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(settings));
    const model = await loadFixture(folder);
    const { eosIds, bans, noRepeatNgram, maxNewTokens, maxLength, repetitionPenalty, unapplied } =
      await readGenerationDefaults(folder);
    expect(unapplied).toEqual([]);
    const answer = await generate(model, oracle.prompt, {
      temperature: 0,
      eosIds,
      repetitionPenalty: repetitionPenalty ?? 1,
      maxNewTokens: maxNewTokens ?? maxLength! - oracle.prompt.length,
      bans: noRepeatNgram === null ? bans : [...bans, noRepeatedRun(noRepeatNgram)],
    });
    expect(answer.ids).toEqual(ids);
    model.dispose();
  });

  it('19 cases were compared', () => expect(Object.keys(oracle.cases)).toHaveLength(19));
});
