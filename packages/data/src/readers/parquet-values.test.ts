// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { JsonNumber } from '@llmf/jinja';
import { openReader } from './open-reader.js';
import { OtherValue } from './row-reader.js';

/** Written by pyarrow: oracles/data/parquet_rows.py. */
const path = fileURLToPath(new URL('../../fixtures/types.parquet', import.meta.url));
const reader = await openReader(path, { pieces: 'line' });
const [first, second] = (await reader.read(0, 2)) as [Record<string, unknown>, Record<string, unknown>];
await reader.close();

it.each([
  ['dates as they are written', 'date', '2024-01-02', '1969-12-31'],
  ['decimals with their digits', 'decimal', new JsonNumber('12.30'), new JsonNumber('-0.07')],
  ['whole floats as floats', 'float', new JsonNumber('1.0'), 0.25],
  ['floats of 32 bits', 'single', new JsonNumber('2.0'), 0.5],
  ['floats of 16 bits', 'half', new JsonNumber('1.0'), 0.5],
  ['integers beyond 2^53', 'large', 2n ** 60n + 1n, 1],
  ['unsigned integers', 'unsigned', 2 ** 32 - 1, 1],
  ['booleans', 'flag', true, null],
  ['texts of a dictionary', 'text', 'a', 'b'],
  ['bytes as bytes, not as text', 'bytes', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0xff]), null],
  ['pictures without a path', 'pictures', [{ bytes: Uint8Array.from([0xff, 0xd8]) }], []],
  [
    'structs without the nulls of other rows',
    'calls',
    [{ name: 'f', arguments: { city: 'Rom', share: new JsonNumber('1.0') } }],
    null,
  ],
  ['maps as objects', 'map', { a: 1 }, {}],
  ['lists of lists', 'nested', [['a.png', 'b.png']], [[]]],
])('reads %s', (_, column, one, other) => {
  expect([first[column], second[column]]).toEqual([one, other]);
});

it.each([
  ['timestamp', 'a date with a time (2024-01-02T03:04:05.000Z)'],
  ['nanoseconds', 'a date with a time (2024-01-02T03:04:05.000Z)'],
  ['time', 'a time of day'],
  ['long_decimal', 'a decimal of more than 15 digits'],
])('says what a %s column holds, and gives it no text', (column, description) => {
  expect(first[column]).toEqual(new OtherValue(description));
  expect(second[column]).toBeNull();
});
