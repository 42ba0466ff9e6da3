// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LineFile } from './line-file.js';

let folder: string;
const path = () => join(folder, 'lines.jsonl');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-lines-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('goes on behind its whole lines', async () => {
  writeFileSync(path(), '{"a":1}\n{"a":2}\n{"a"');
  const file = await LineFile.open(path());
  expect(file.lines).toEqual(['{"a":1}', '{"a":2}']);
  await Promise.all([file.append({ a: 3 }), file.append({ a: 4 }, { a: 5 })]);
  await file.close();
  expect(readFileSync(path(), 'utf8')).toBe('{"a":1}\n{"a":2}\n{"a":3}\n{"a":4}\n{"a":5}\n');
});

it('has every byte where the system takes a part of them at a time', async () => {
  const file = await LineFile.open(path());
  const handle = await open(path());
  const handles = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  const whole = handles.write as (...call: unknown[]) => Promise<unknown>;
  const half = function (this: unknown, bytes: Buffer, at: number, size: number, to: number) {
    return whole.call(this, bytes, at, Math.ceil(size / 2), to);
  };
  vi.spyOn(handles, 'write').mockImplementation(half as never);
  await file.append({ text: 'a line of some length' });
  vi.restoreAllMocks();
  await file.append({ text: 'another' });
  await file.close();
  expect(readFileSync(path(), 'utf8')).toBe('{"text":"a line of some length"}\n{"text":"another"}\n');
});
