// SPDX-License-Identifier: Apache-2.0
/** What config.json leaves out is what Transformers' class of that part says (oracles/models/config_defaults.py). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { qwen2Config } from '@llmf/models';
import { describe, expect, it } from 'vitest';
import { mediaTokensOf } from '../tokens/media-tokens.js';
import { qwen25VlVisionConfig, qwen2VlVisionConfig } from '../tower/vision-config.js';
import { textConfigOf } from './text-config.js';

interface ConfigClass {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly defaultTheta: number;
}
const file = fileURLToPath(new URL('../../../models/fixtures/config-defaults.json', import.meta.url));
const { classes } = JSON.parse(readFileSync(file, 'utf8')) as { classes: Readonly<Record<string, ConfigClass>> };
const sizes = ['vocab_size', 'hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads'];
const unread = new Set([
  'use_cache',
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'attention_dropout',
  'rope_parameters',
]);

describe.each([
  ['qwen2_vl', qwen2VlVisionConfig],
  ['qwen2_5_vl', qwen25VlVisionConfig],
] as const)('defaults of %s', (name, vision) => {
  it.each(['nested', 'flat'])('of the language half are those of its own class, not of Qwen2: %s', (form) => {
    const { fields, defaultTheta } = classes[`${name} text`]!;
    const given = Object.fromEntries(sizes.map((key) => [key, 64]));
    const text = textConfigOf(form === 'nested' ? { text_config: given } : given);
    const read = qwen2Config.parse(text) as Record<string, unknown>;
    const keys = Object.keys(fields).filter((key) => !unread.has(key) && !sizes.includes(key));
    expect(keys.length).toBeGreaterThan(8);
    expect(Object.fromEntries(keys.map((key) => [key, read[key] ?? null]))).toEqual(
      Object.fromEntries(keys.map((key) => [key, fields[key]])),
    );
    expect(read['rope_theta']).toBe(defaultTheta);
    expect(read['tie_word_embeddings']).toBe(classes[name]!.fields['tie_word_embeddings']);
  });

  it('of the split of rotary positions are those of a head of 128, wherever the section stands', () => {
    const given = Object.fromEntries(sizes.map((key) => [key, 64]));
    const split = { mrope_section: [16, 24, 24] };
    expect(textConfigOf(given)['rope_parameters']).toEqual(split);
    expect(textConfigOf({ ...given, rope_scaling: { type: 'mrope' } })['rope_scaling']).toEqual({
      type: 'mrope',
      ...split,
    });
    const own = { rope_parameters: { mrope_section: [2, 3, 3] }, rope_scaling: {} };
    expect(textConfigOf({ ...given, ...own })).toMatchObject(own);
  });

  it('of the tower are those of its class', () => {
    const { initializer_range: _, rope_parameters: __, ...fields } = classes[`${name} vision`]!.fields;
    expect(vision.parse({})).toMatchObject(fields);
  });

  it('of the media tokens are those of the class', () => {
    const { fields } = classes[name]!;
    expect(mediaTokensOf({})).toEqual({
      visionStart: fields['vision_start_token_id'],
      visionEnd: fields['vision_end_token_id'],
      image: fields['image_token_id'],
      video: fields['video_token_id'],
    });
  });
});
