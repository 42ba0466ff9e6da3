// SPDX-License-Identifier: Apache-2.0
import { openSync, writeSync, closeSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LlmfError } from '@llmf/core';
import { JsonNumber } from '@llmf/jinja';
import pairs from '../../fixtures/pairs.json' with { type: 'json' };
import { temporaryFolder, write } from '../../test/tiny-tokenizers.js';
import { openReader } from './open-reader.js';
import { RowProblem } from './row-reader.js';

const folder = temporaryFolder();
const options = { pieces: 'line' } as const;

async function readAll(
  name: string,
  content: unknown,
  pieces: 'line' | 'paragraph' | 'file' = 'line',
): Promise<unknown[]> {
  const reader = await openReader(write(folder, name, content), { pieces });
  return reader.read(0, reader.length).finally(() => reader.close());
}

async function failure(name: string, content: unknown): Promise<LlmfError> {
  const error: unknown = await readAll(name, content).then(
    () => new Error('it was read'),
    (thrown: unknown) => thrown,
  );
  if (!LlmfError.is(error)) throw error;
  return error;
}

describe('JSON arrays', () => {
  it('gives every element, whatever stands inside strings', async () => {
    const rows = [{ a: '[{"},]\\' }, { b: [1, { c: 'é\u2028"' }] }, {}, { d: null }];
    expect(await readAll('plain.json', JSON.stringify(rows))).toEqual(rows);
    expect(await readAll('pretty.json', JSON.stringify(rows, null, 2))).toEqual(rows);
  });

  it('skips a byte-order mark and takes CRLF line ends', async () => {
    expect(await readAll('bom.json', '\uFEFF[\r\n  {"a": 1},\r\n  {"a": 2}\r\n]\r\n')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('gives numbers, words and strings as rows too, for the report to name', async () => {
    expect(await readAll('scalars.json', '[1, "a]", null ,true]')).toEqual([1, 'a]', null, true]);
  });

  it('reads any row by number across the blocks it scans in', async () => {
    // Rows of 1 to 3,000 characters, 3 MB in all: element bounds fall on every kind of place of the 1 MiB blocks.
    const rows = Array.from({ length: 2000 }, (_, at) => ({ at, text: 'x"\\é'.repeat(1 + ((at * 7919) % 750)) }));
    const reader = await openReader(write(folder, 'large.json', JSON.stringify(rows)), options);
    expect(reader.length).toBe(2000);
    for (const at of [0, 1, 699, 700, 1333, 1999]) expect(await reader.read(at, 1)).toEqual([rows[at]]);
    expect(await reader.read(1500, 300)).toEqual(rows.slice(1500, 1800));
    expect(await reader.read(1990, 100)).toEqual(rows.slice(1990));
    await reader.close();
  });

  it('reads one object per line from a .json file that begins with an object', async () => {
    expect(await readAll('lines.json', '{"a": 1}\n{"a": 2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it.each([
    ['a missing comma', '[\n  {"a": 1}\n  {"a": 2}\n]', 3, 3, '"," or "]" is missing'],
    ['a comma at the end', '[{"a": 1},\n]', 2, 1, 'comma before "]"'],
    ['two commas', '[{"a": 1},, {"a": 2}]', 1, 11, 'a comma stands where a row should be'],
    ['an array that is never closed', '[{"a": 1}', 1, 10, 'before the array is closed'],
    ['a row that is never closed', '[{"a": 1},\n {"b": [', 2, 2, 'ends inside the row'],
    ['text behind the array', '[{"a": 1}]\nx', 2, 1, 'more text behind'],
    ['a number at the top', '12', 1, 1, 'must hold an array'],
    ['a fault inside a row', '[\n  {"é": 1, "b": tru}\n]', 2, 17, '"tru" is not a JSON value'],
    ['a comma before a brace', '[\n{"a": 1,\n}]', 3, 1, 'comma before "}"'],
    ['a line break in a string', '[{"a": "x\ny"}]', 1, 10, 'control character'],
    ['a single quote', "[{'a': 1}]", 1, 3, 'double quotes'],
    ['a bad escape', '[{"a": "\\x"}]', 1, 9, 'not an escape'],
    ['NaN', '[{"a": NaN}]', 1, 8, '"NaN" is not a JSON value'],
    ['a comment', '[{"a": 1 /* one */}]', 1, 10, 'comments are not allowed'],
    ['a missing colon', '[{"a" 1}]', 1, 7, '":" is missing'],
  ])('says where %s is', async (_, content, line, column, problem) => {
    const { code, detail } = await failure('broken.json', content);
    expect(code).toBe('LLMF_DATA_BROKEN_JSON');
    expect(detail.where).toBe(`${join(folder, 'broken.json')}:${line}:${column}`);
    expect(detail.what).toContain(problem);
  });
});

describe('JSON lines', () => {
  it('passes over blank lines and a missing last line end', async () => {
    expect(await readAll('blank.jsonl', '\n{"a": 1}\r\n  \t\r\n{"a": 2}\n\n\n{"a": 3}')).toEqual([
      { a: 1 },
      { a: 2 },
      { a: 3 },
    ]);
  });

  it('says in which line a fault is', async () => {
    const { code, detail } = await failure('broken.jsonl', '{"a": 1}\n\n{"a": 2\n{"a": 3}\n');
    expect(code).toBe('LLMF_DATA_BROKEN_JSON');
    expect(detail.where).toBe(`${join(folder, 'broken.jsonl')}:3:1`);
    expect(detail.what).toContain('"}" is missing');
  });

  it('keeps memory flat over a file of 80 MB', async () => {
    const path = join(folder, 'huge.jsonl');
    const file = openSync(path, 'w');
    const line = `${JSON.stringify({ text: 'word '.repeat(200) })}\n`;
    const block = line.repeat(1000);
    for (let at = 0; at < 79; at++) writeSync(file, block);
    closeSync(file);
    const before = process.memoryUsage();
    const reader = await openReader(path, options);
    expect(reader.length).toBe(79_000);
    for (let row = 0; row < 79_000; row += 7900) expect(await reader.read(row, 2)).toHaveLength(2);
    const after = process.memoryUsage();
    // The index takes 12 bytes a row, rounded up to a power of two rows: 1.6 MB.
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(24e6);
    await reader.close();
    rmSync(path);
  });
});

describe('one JSON object over several lines', () => {
  it('is told what a .json file holds', async () => {
    const { detail } = await failure('object.json', '{\n  "data": []\n}');
    expect(detail.where).toBe(`${join(folder, 'object.json')}:1:1`);
    expect(detail.fix).toContain('an array of objects');
  });
});

describe('CSV', () => {
  it('reads quoted line breaks, doubled quotes, commas and CRLF', async () => {
    const content = 'prompt,"the answer",n\r\n"a\nb","say ""hi"", ok",1\r\n\r\nplain, spaced ,2\r\n';
    expect(await readAll('quoted.csv', content)).toEqual([
      { prompt: 'a\nb', 'the answer': 'say "hi", ok', n: '1' },
      { prompt: 'plain', 'the answer': ' spaced ', n: '2' },
    ]);
  });

  it('reads tabs in .tsv and semicolons where a header has no comma', async () => {
    expect(await readAll('t.tsv', 'a\tb\n1,5\t2\n')).toEqual([{ a: '1,5', b: '2' }]);
    expect(await readAll('s.csv', 'a;b\n1,5;2\n')).toEqual([{ a: '1,5', b: '2' }]);
  });

  it('gives a row with too many fields as a problem in its place', async () => {
    const rows = await readAll('fields.csv', 'a,b\n1,2\n1,2,3\n4,5\n');
    expect(rows[0]).toEqual({ a: '1', b: '2' });
    expect(rows[1]).toBeInstanceOf(RowProblem);
    expect((rows[1] as RowProblem).message).toBe('3 fields, but the header names 2 columns');
    expect(rows[2]).toEqual({ a: '4', b: '5' });
  });

  it('says in which line a quote is never closed, and which column is named twice', async () => {
    const open = await failure('open.csv', 'a,b\n1,2\n"x,3\n4,5\n');
    expect(open.code).toBe('LLMF_DATA_BROKEN_CSV');
    expect(open.detail.where).toBe(`${join(folder, 'open.csv')}:3`);
    expect((await failure('twice.csv', 'a,a\n1,2\n')).detail.what).toContain('the column a is named twice');
  });
});

describe('text', () => {
  const content = 'one\r\ntwo\r\n\r\n\r\nthree\nfour  \n';
  it.each([
    ['line', ['one', 'two', 'three', 'four  ']],
    ['paragraph', ['one\ntwo', 'three\nfour  ']],
    ['file', ['one\ntwo\n\n\nthree\nfour  \n']],
  ] as const)('is cut by %s', async (pieces, texts) => {
    expect(await readAll('text.txt', content, pieces)).toEqual(texts.map((text) => ({ text })));
  });
});

describe('CSV as people write it', () => {
  it.each([
    ['quotes inside fields are text', 'a,b\n5" pipe,say "no" twice\n', [{ a: '5" pipe', b: 'say "no" twice' }]],
    [
      'an apostrophe and a lone quote',
      'a,b\nx "y,it\'s\nc,d\n',
      [
        { a: 'x "y', b: "it's" },
        { a: 'c', b: 'd' },
      ],
    ],
    ['a space behind every comma', 'a, b\nx, "y, z"\n', [{ a: 'x', b: 'y, z' }]],
    ['spaces that belong to the text', 'a,b\nx, y\n', [{ a: 'x', b: ' y' }]],
    ['columns without a name are left out', ',,a,b\n0,0,x,y\n', [{ a: 'x', b: 'y' }]],
    ['a comma behind the last field', 'a,b,\nx,y,\n', [{ a: 'x', b: 'y' }]],
    [
      'lines of an old Mac',
      'a,b\rx,y\rz,"1\r2"\r',
      [
        { a: 'x', b: 'y' },
        { a: 'z', b: '1\r2' },
      ],
    ],
    ['lines of Windows, blank ones between', 'a,b\r\n\r\nx,y\r\n', [{ a: 'x', b: 'y' }]],
    ['tabs in a .csv', 'a\tb\nx,1\ty\n', [{ a: 'x,1', b: 'y' }]],
    ['an empty quoted field', 'a,b\n"",y\n', [{ a: '', b: 'y' }]],
    ['spaces behind a closing quote', 'a,b\n"x" ,y\n', [{ a: 'x', b: 'y' }]],
  ])('%s', async (_, content, rows) => expect(await readAll('people.csv', content)).toEqual(rows));

  it('refuses a row whose quotes are escaped by backslashes, and no other', async () => {
    const [bad, good] = await readAll('escaped.csv', 'a,b\n"say \\"no\\" twice",y\nx,y\n');
    expect(bad).toEqual(new RowProblem('text stands behind the quote that closes field 1; write quotes as ""'));
    expect(good).toEqual({ a: 'x', b: 'y' });
  });
});

describe('JSON Lines', () => {
  it.each([
    ['one array over many lines', '[\n {"a": 1},\n {"a": 2}\n]\n'],
    ['one array in one line', ' [{"a": 1}, {"a": 2}]'],
    ['an array whose first line ends behind a row', '[{"a": 1},\n{"a": 2}]'],
  ])('may be %s', async (_, content) => expect(await readAll('array.jsonl', content)).toEqual([{ a: 1 }, { a: 2 }]));

  it('gives lines that are arrays as they are', async () =>
    expect(await readAll('arrays.jsonl', '[1]\n[2]\n')).toEqual([[1], [2]]));
});

describe('Parquet (written by pyarrow, 25 rows in groups of 10)', () => {
  /** A column of floats: 1 is 1.0. */
  const written = pairs.map((row) => ({
    ...row,
    margin: row.margin % 1 === 0 ? JsonNumber.float(row.margin) : row.margin,
  }));
  it.each(['snappy', 'zstd', 'gzip', 'none'])(
    'gives nested rows with plain numbers, compressed by %s',
    async (compression) => {
      const path = fileURLToPath(new URL(`../../fixtures/pairs-${compression}.parquet`, import.meta.url));
      const reader = await openReader(path, options);
      expect(reader.length).toBe(25);
      expect(await reader.read(0, 25)).toEqual(written);
      expect(await reader.read(19, 3)).toEqual(written.slice(19, 22));
      expect(await reader.read(3, 1)).toEqual(written.slice(3, 4));
      await reader.close();
    },
  );
});

describe('files that cannot be read', () => {
  it.each([
    ['utf16.json', Buffer.from('\uFEFF[]', 'utf16le'), 'LLMF_DATA_ENCODING'],
    ['empty.json', '  \n', 'LLMF_DATA_EMPTY_FILE'],
    ['none.json', '[ ]', 'LLMF_DATA_EMPTY_FILE'],
    ['empty.jsonl', '', 'LLMF_DATA_EMPTY_FILE'],
    ['empty.csv', '\n', 'LLMF_DATA_EMPTY_FILE'],
    ['header.csv', 'a,b\n', 'LLMF_DATA_EMPTY_FILE'],
    ['rows.arrow', 'x', 'LLMF_DATA_UNKNOWN_FILE_TYPE'],
    ['broken.parquet', 'PAR1 is not enough', 'LLMF_DATA_BROKEN_PARQUET'],
  ])('%s', async (name, content, code) => {
    expect((await failure(name, content)).code).toBe(code);
  });

  it('names a row that is not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('{"a": "'), Buffer.from([0xff]), Buffer.from('"}\n{"a": 1}\n')]);
    const rows = await readAll('latin.jsonl', bytes);
    expect((rows[0] as RowProblem).message).toBe('not UTF-8 text');
    expect(rows[1]).toEqual({ a: 1 });
  });
});
