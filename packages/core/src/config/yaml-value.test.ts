// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { applyOverrides } from './overrides.js';
import { parseJson, parseYaml } from './parse-config.js';
import { wholeSource } from './config-source.js';

const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
for (const [name, inner] of ['ba', 'cb', 'dc', 'ed', 'fe']) {
  bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${inner}`).join()}]`);
}

describe('a config in YAML', () => {
  it.each([
    ['aliases of aliases', bomb.join('\n'), 'stand for more than 10000 values'],
    ['an alias within itself', 'a: &a [*a]', 'a.yaml:1:8'],
    ['an alias deep within itself', 'a: &a\n  b: { c: [*a] }', 'a.yaml:2:12'],
    ['an alias of nothing', 'model: *nope', 'nothing is named &nope'],
    ['a merge of a number', 'model: { <<: 5 }', 'a.yaml:1:10'],
    ['a merge of a list with a number', 'a: &a { x: 1 }\nmodel: { <<: [*a, 5] }', 'a.yaml:2:10'],
    ['two hundred levels', `a: ${'['.repeat(200)}${']'.repeat(200)}`, 'nested too deeply'],
    ['ten thousand levels', `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'a.yaml'],
  ])('with %s is refused at its place', (_name, text, reason) => {
    expect(() => parseYaml(text, 'a.yaml')).toThrow('LLMF_CORE_CONFIG_SYNTAX');
    expect(() => parseYaml(text, 'a.yaml')).toThrow(reason);
  });

  it('may use aliases and merges as they are meant', () => {
    const text = 'a: &a { x: 1 }\nb: &b { y: 2 }\nc: { <<: [*a, *b], z: 3 }\nd: { <<: *a }\ne: [*a, *b, *a]';
    expect(parseYaml(text, 'a.yaml').data).toMatchObject({ c: { x: 1, y: 2, z: 3 }, d: { x: 1 }, e: [{}, {}, {}] });
    expect(parseYaml('"<<": 5', 'a.yaml').data).toEqual({ '<<': 5 });
  });
});

it('an override is read as strictly', () => {
  const input = { raw: {}, source: wholeSource('x'), folder: '.', file: null };
  expect(() => applyOverrides(input, ['a=[*nope]'])).toThrow('nothing is named &nope');
});

it('a config in JSON may not be nested ten thousand levels either', () => {
  expect(() => parseJson(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'a.json')).toThrow('nested too deeply');
});
