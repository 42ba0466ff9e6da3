// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { wholeSource } from './config-source.js';
import { applyOverrides, isOverride } from './overrides.js';

const apply = (raw: Record<string, unknown>, ...texts: string[]) =>
  applyOverrides({ raw, source: wholeSource('llmf.yaml'), folder: '.', file: null }, texts);

describe('isOverride', () => {
  it.each(['a=1', 'train.learningRate=1e-5', 'data.train.0.path=x', 'a=', 'a=b=c', 'model.path=C:\\m'])(
    '%s is one',
    (text) => expect(isOverride(text)).toBe(true),
  );
  it.each(['llmf.yaml', './a=b/llmf.yaml', '/x=1', '=1', 'a..b=1', 'a b=1'])('%s is a path', (text) =>
    expect(isOverride(text)).toBe(false),
  );
});

describe('applyOverrides', () => {
  it.each([
    ['a=1e-5', { a: 1e-5 }],
    ['a=true', { a: true }],
    ['a=null', { a: null }],
    ['a=', { a: null }],
    ['a=text with blanks', { a: 'text with blanks' }],
    ['a=*.jsonl', { a: '*.jsonl' }],
    ['a=**/*.jsonl', { a: '**/*.jsonl' }],
    ['a="5"', { a: '5' }],
    ['a=[x, 2]', { a: ['x', 2] }],
    ['a={path: ./m, n: 1}', { a: { path: './m', n: 1 } }],
    ['a=x=y', { a: 'x=y' }],
    ['a.b.c=2', { a: { b: { c: 2 } } }],
  ])('%s sets a YAML value', (text, expected) => {
    expect(apply({}, text).raw).toEqual(expected);
  });

  it('changes lists by index, and appends with the next one', () => {
    const raw = { data: { train: [{ path: 'a' }, { path: 'b', weight: 2 }] } };
    const { raw: changed } = apply(raw, 'data.train.1.path=c', 'data.train.2.path=d');
    expect(changed).toEqual({ data: { train: [{ path: 'a' }, { path: 'c', weight: 2 }, { path: 'd' }] } });
    expect(raw.data.train).toHaveLength(2);
  });

  it('turns the short form of a choice into the long one', () => {
    expect(apply({ loss: 'simpo' }, 'loss.beta=2').raw).toEqual({ loss: { name: 'simpo', beta: 2 } });
  });

  it('lets the last one win', () => {
    expect(apply({}, 'a=1', 'a=2').raw).toEqual({ a: 2 });
  });

  it('says that a value came from the command line, and which argument', () => {
    const { source } = apply({ b: 1 }, 'train.seed=x');
    expect(source.locate(['train', 'seed'])).toBe('command line: train.seed=x');
    expect(source.locate(['b'])).toBe('llmf.yaml');
  });

  it.each([
    ['train.1.x=1', { train: [] }, 'is not an index'],
    ['train.last.x=1', { train: [{}] }, 'is not an index'],
    ['a.b=1', { a: 5 }, '"a" is 5, which has no keys'],
    ['a=[1, 2', {}, 'its value is not YAML'],
  ])('%s is refused', (text, raw, reason) => {
    expect(() => apply(raw, text)).toThrow(reason);
    expect(() => apply(raw, text)).toThrow(`LLMF_CORE_OVERRIDE`);
    expect(() => apply(raw, text)).toThrow(`got: ${text}`);
  });
});
