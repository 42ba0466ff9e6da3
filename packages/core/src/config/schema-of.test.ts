// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apiVersion } from '../contracts/plugin.js';
import { token, type Named } from '../contracts/token.js';
import { createEngine } from '../engine/engine.js';
import { describeOptions } from './describe-options.js';
import { schemaOf } from './schema-of.js';

const AdapterToken = token<Named>('test-schema-adapter');

function engineWithPlugins() {
  const engine = createEngine();
  engine.use({
    name: 'adapters',
    apiVersion,
    options: z.strictObject({
      model: z.strictObject({ path: z.string().describe('Folder.') }),
      dropout: z.number().min(0).lt(1).default(0).describe('Share of zeros.'),
    }),
    apply(inner) {
      const options = z.strictObject({ rank: z.int().min(1).default(8).describe('Rank of the update.') });
      inner.provide(AdapterToken, { name: 'lora', description: 'Low rank.', options });
      inner.slot({
        key: 'adapter',
        token: AdapterToken,
        description: 'What is trained.',
        default: 'lora',
        none: ['none'],
        many: true,
        shared: z.strictObject({ dtype: z.enum(['f32', 'bf16']).default('f32').describe('Type.') }),
      });
    },
  });
  return engine;
}

describe('schemaOf', () => {
  const schema = schemaOf(engineWithPlugins());

  it('knows every key of the config and no other', () => {
    expect(Object.keys(schema.properties!)).toEqual([
      '$schema',
      'plugins',
      'output',
      'saveDtype',
      'train',
      'stage',
      'backend',
      'adapter',
      'adapters',
    ]);
    expect(schema.additionalProperties).toBe(false);
  });

  it('gives ranges, defaults and descriptions of train, without the bounds of doubles', () => {
    expect(schema.properties!['train']!.properties!['batchSize']).toEqual({
      type: 'integer',
      minimum: 1,
      default: 2,
      description: expect.stringContaining('Rows') as string,
    });
  });

  it('offers a slot by name, with options, and as a list', () => {
    const { anyOf } = schema.properties!['adapter']!;
    expect(anyOf).toContainEqual({ const: 'lora', description: 'Low rank.' });
    expect(anyOf).toContainEqual({ const: 'none' });
    const long = anyOf!.find(({ properties }) => properties?.['rank'] !== undefined)!;
    expect(Object.keys(long.properties!)).toEqual(['name', 'weight', 'dtype', 'rank']);
    expect(long.required).toEqual(['name']);
    expect(anyOf!.at(-1)).toMatchObject({ type: 'array', minItems: 1 });
  });
});

describe('describeOptions', () => {
  const rows = describeOptions(engineWithPlugins());
  const row = (key: string) => rows.find((each) => each.key === key);

  it('has type, default, description and the plugin of each key', () => {
    expect(row('train.maxSteps')).toEqual({
      key: 'train.maxSteps',
      of: null,
      slot: null,
      type: 'whole number ≥ 1 or null',
      default: 'null',
      required: false,
      description: 'Optimizer steps; overrides `epochs`.',
      plugin: null,
    });
    expect(row('adapter.rank')).toMatchObject({
      of: 'lora',
      slot: 'adapter',
      type: 'whole number ≥ 1',
      default: '8',
      plugin: 'adapters',
    });
    expect(row('adapter')).toMatchObject({ type: 'none | lora', default: 'lora' });
    expect(row('adapter.dtype')).toMatchObject({ type: 'one of f32, bf16', default: 'f32', of: null });
    expect(row('adapters.dropout')).toMatchObject({ type: 'number ≥ 0 and < 1', default: '0' });
  });

  it('follows objects inside sections and says what is required', () => {
    expect(row('adapters.model.path')).toMatchObject({ type: 'text', default: null, required: true });
    expect(row('adapters.model')).toBeUndefined();
  });
});
