// SPDX-License-Identifier: Apache-2.0
import type { GenerationDefaults } from '@llmf/models';
import { describe, expect, it } from 'vitest';
import { answerTokens, checkSamplingFlags, ownSettings, samplingSettings } from './sampling-settings.js';

const model = (changes: Partial<GenerationDefaults> = {}): GenerationDefaults => ({
  eosIds: [],
  bans: [],
  doSample: null,
  temperature: null,
  topK: null,
  topP: null,
  minP: null,
  repetitionPenalty: null,
  noRepeatNgram: null,
  maxNewTokens: null,
  maxLength: null,
  unapplied: [],
  ...changes,
});
const own = model({ doSample: true, temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1.05, noRepeatNgram: 3 });

describe('samplingSettings', () => {
  it('takes neutral values where nobody says otherwise', () => {
    const neutral = { temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, bans: [] };
    expect(samplingSettings({}, model())).toEqual(neutral);
  });

  it("takes the model's own, and a flag before it", () => {
    const { bans, ...settings } = samplingSettings({ topK: 5 }, own);
    expect(settings).toEqual({ temperature: 0.7, topP: 0.8, topK: 5, minP: 0, repetitionPenalty: 1.05 });
    expect(bans).toHaveLength(1);
    expect(samplingSettings({ forbidRepeats: 0, repetitionPenalty: 1 }, own)).toMatchObject({
      bans: [],
      repetitionPenalty: 1,
    });
  });

  it('is greedy where the flag or do_sample says so, unless a flag asks for sampling', () => {
    const greedy = model({ doSample: false, temperature: 0.6 });
    expect(samplingSettings({ greedy: true }, own).temperature).toBe(0);
    expect(samplingSettings({}, greedy).temperature).toBe(0);
    expect(samplingSettings({ sample: true }, greedy).temperature).toBe(0.6);
    expect(samplingSettings({ topP: 0.9 }, greedy)).toMatchObject({ temperature: 0.6, topP: 0.9 });
    expect(samplingSettings({ temperature: 1 }, greedy).temperature).toBe(1);
  });
});

describe('answerTokens', () => {
  it('comes from the flag, max_new_tokens, max_length without the prompt, or 256', () => {
    const both = model({ maxNewTokens: 30, maxLength: 100 });
    expect(answerTokens({ maxNewTokens: 7 }, both, 90)).toBe(7);
    expect(answerTokens({}, both, 90)).toBe(30);
    expect(answerTokens({}, model({ maxLength: 100 }), 90)).toBe(10);
    expect(answerTokens({}, model({ maxLength: 100 }), 120)).toBe(1);
    expect(answerTokens({}, model(), 90)).toBe(256);
  });
});

describe('ownSettings', () => {
  it("names what the model's file changes and no flag overrides", () => {
    const names = ['temperature 0.7', 'top_k 20', 'top_p 0.8', 'repetition_penalty 1.05', 'no_repeat_ngram_size 3'];
    expect(ownSettings({}, own)).toEqual(names);
    expect(ownSettings({ temperature: 1, topK: 0 }, own)).toEqual(names.slice(2));
    expect(ownSettings({ greedy: true }, own)).toEqual(names.slice(3));
    expect(ownSettings({}, model({ doSample: false }))).toEqual(['greedy (do_sample false)']);
    expect(ownSettings({}, model())).toEqual([]);
  });
});

describe('checkSamplingFlags', () => {
  it('refuses flags that --greedy leaves without effect', () => {
    expect(() => checkSamplingFlags({ greedy: true, topP: 0.9 }, 'llmf generate')).toThrow(
      /LLMF_CLI_USAGE: --greedy leaves --top-p without effect/,
    );
    expect(() => checkSamplingFlags({ greedy: true, repetitionPenalty: 1.1 }, 'llmf chat')).not.toThrow();
    expect(() => checkSamplingFlags({ topP: 0.9, sample: true }, 'llmf chat')).not.toThrow();
  });
});
