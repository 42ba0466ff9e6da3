// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apiVersion } from '../contracts/plugin.js';
import type { Plugin } from '../contracts/engine.js';
import { token, type Named } from '../contracts/token.js';
import { createEngine } from '../engine/engine.js';
import { decidingPart, defaultsIn, placesIn } from './deciding.js';

const OptimizerToken = token<Named>('test-deciding-optimizer');
const trains: Plugin = {
  name: 'trains',
  apiVersion,
  options: z.strictObject({
    depth: z.int().default(1),
    threads: z.int().default(1).meta({ decides: false }),
    files: z.array(z.strictObject({ path: z.string().meta({ decides: 'content' }), weight: z.number() })).default([]),
    inner: z
      .strictObject({ cache: z.string().default('').meta({ decides: false }), size: z.int().default(2) })
      .prefault({}),
  }),
  apply(engine) {
    const options = z.strictObject({
      beta: z.number().default(0.9),
      path: z.string().optional().meta({ decides: 'content' }),
      verbose: z.boolean().default(false).meta({ decides: false }),
    });
    engine.provide(OptimizerToken, { name: 'adamw', options });
    engine.slot({ key: 'train.optimizer', token: OptimizerToken, description: '', default: 'adamw' });
    engine.slot({ key: 'losses', token: OptimizerToken, description: '', default: 'adamw', many: true });
  },
};
const watches: Plugin = {
  name: 'watches',
  apiVersion,
  decides: false,
  options: z.strictObject({ url: z.string() }),
  apply() {},
};

const chosen = { name: 'adamw', beta: 0.5, verbose: true };
const resolved = {
  plugins: ['x'],
  output: 'run',
  saveDtype: 'auto',
  train: { seed: 1, maxSteps: 9, logEvery: 2, optimizer: chosen },
  losses: [{ ...chosen, weight: 2 }],
  trains: { depth: 3, threads: 8, inner: { cache: 'a', size: 4 } },
  watches: { url: 'http://x' },
};

describe('the part of a config that decides the result', () => {
  const engine = createEngine();
  engine.use(trains);
  engine.use(watches);

  it('leaves out what its schemas mark, in sections, choices and the engine’s own keys', () => {
    expect(decidingPart(engine, resolved)).toEqual({
      plugins: ['trains'],
      train: { seed: 1, optimizer: { name: 'adamw', beta: 0.5 } },
      losses: [{ name: 'adamw', beta: 0.5, weight: 2 }],
      trains: { depth: 3, inner: { size: 4 } },
    });
  });

  it('keeps what names a place, and tells which keys do', () => {
    const files = [
      { path: 'a', weight: 1 },
      { path: 'b', weight: 2 },
    ];
    const placed = {
      ...resolved,
      losses: [chosen, { ...chosen, path: 'c' }],
      trains: { ...resolved.trains, files },
    };
    expect(decidingPart(engine, placed)).toMatchObject({ trains: { files }, losses: [{}, { path: 'c' }] });
    expect(placesIn(engine, placed)).toEqual(['losses.1.path', 'trains.files.0.path', 'trains.files.1.path']);
    expect(placesIn(engine, resolved)).toEqual([]);
  });

  it('names the keys that have their default, also of choices and of what is inside of train', () => {
    const left = {
      ...resolved,
      train: { ...resolved.train, optimizer: { name: 'adamw', beta: 0.9, verbose: true } },
      trains: { depth: 1, threads: 8, inner: { cache: 'a', size: 2 } },
    };
    const defaults = defaultsIn(engine, left);
    expect(defaults).toEqual(expect.arrayContaining(['train.optimizer.beta', 'trains.depth', 'trains.inner.size']));
    expect(defaults).not.toContain('losses.0.beta');
    expect(defaults).not.toContain('train.seed');
  });

  it('holds the plugins by name, but those that only watch', () => {
    const more = createEngine();
    more.use(trains);
    const { watches: _, ...rest } = resolved;
    expect(decidingPart(more, rest)).toEqual(decidingPart(engine, resolved));
  });
});
