// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const example = fileURLToPath(new URL('.', import.meta.url));
const read = (name: string, folder = example) => readFileSync(join(folder, name), 'utf8');
const rows = (name: string) => JSON.parse(read(`data/${name}`)) as Record<string, string>[];
const rude = /Ugh!|Not again|boring|silly|tired of|Go away|I hate|leave me|slow|Never/;

describe('the data set', () => {
  it('asks in its held-out pairs only what no other file asks', () => {
    const seen = new Set([...rows('sft.json').map((row) => row['instruction']), ...prompts('train.json')]);
    const heldOut = prompts('held-out.json');
    expect(heldOut).toHaveLength(200);
    expect(heldOut.filter((prompt) => seen.has(prompt))).toEqual([]);
  });

  it('prefers the polite answer in every pair', () => {
    const pairs = [...rows('train.json'), ...rows('held-out.json')];
    expect(pairs).toHaveLength(800);
    expect(pairs.filter(({ chosen }) => rude.test(chosen!))).toEqual([]);
    expect(pairs.filter(({ rejected }) => !rude.test(rejected!))).toEqual([]);
  });

  it('is as often rude as polite in its supervised part', () => {
    const answers = rows('sft.json').map((row) => row['output']!);
    expect(answers).toHaveLength(1600);
    // binomial, standard deviation √(1600/4) = 20
    expect(Math.abs(answers.filter((answer) => rude.test(answer)).length - 800)).toBeLessThan(80);
  });
});

describe('the scripts', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'llmf-data-'));
    mkdirSync(join(folder, 'data'));
    for (const name of ['generate.mjs', 'tokenizer.mjs']) {
      cpSync(join(example, name), join(folder, name));
      execFileSync(process.execPath, [join(folder, name)]);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    'data/sft.json',
    'data/train.json',
    'data/held-out.json',
    'architecture/tokenizer.json',
    'architecture/tokenizer_config.json',
  ])('write %s as it is in the repository', (name) => {
    expect(read(name, folder)).toBe(read(name));
  });
});

const prompts = (name: string) => rows(name).map((row) => row['prompt']);
