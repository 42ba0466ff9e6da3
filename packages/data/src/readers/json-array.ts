// SPDX-License-Identifier: Apache-2.0
import { errors } from '../errors.js';
import type { ByteFile } from './byte-file.js';
import { ByteIndex } from './byte-index.js';
import { IndexedReader } from './indexed-reader.js';
import { indexLines, linesReader, readJsonLines } from './json-lines.js';
import { jsonRowParser } from './parse-json-row.js';
import type { RowReader } from './row-reader.js';

/**
 * A JSON array of rows, of any size: one pass over the bytes finds where each element begins and ends, following only
 * strings and brackets; an element is parsed when it is read. A file that begins with `{` is read as one object per line.
 */
export async function readJson(file: ByteFile): Promise<RowReader> {
  if ((await firstByte(file)) === openBrace) return readJsonLines(file, lineHint);
  return readArray(file);
}

/** JSON Lines, or one array of all rows under that name: a file whose first line is no whole value of its own, or the only one. */
export async function readJsonLinesOrArray(file: ByteFile): Promise<RowReader> {
  const lines = await indexLines(file);
  if (lines.length === 0 || (await firstByte(file)) !== openBracket) return linesReader(file, lines);
  const isArray = lines.length === 1 || !isJson(await file.bytes(lines.start(0), lines.end(0)));
  return isArray ? readArray(file) : linesReader(file, lines);
}

const readArray = async (file: ByteFile): Promise<RowReader> =>
  new IndexedReader(file, await indexElements(file), jsonRowParser(file));

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(bytes).toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

const lineHint =
  'A .json file holds an array of objects, "[ {…}, {…} ]", or one whole object per line: write one of the two.';

async function firstByte(file: ByteFile): Promise<number | undefined> {
  let found: number | undefined;
  await file.scan((bytes) => {
    found = bytes.find((byte) => !isSpace(byte));
    return found !== undefined;
  });
  return found;
}

/** Byte ranges of the elements of a top-level array. @throws LLMF_DATA_BROKEN_JSON with line and column. */
export async function indexElements(file: ByteFile): Promise<ByteIndex> {
  const scanner = new ElementScanner();
  const faults: { offset: number; problem: string }[] = [];
  await file.scan((bytes, base) => {
    for (let at = 0; at < bytes.length; at++) {
      const problem = scanner.feed(bytes[at]!, base + at);
      if (problem === null) continue;
      faults.push({ offset: base + at, problem });
      return true;
    }
    return undefined;
  });
  if (faults.length === 0 && scanner.isEmpty) throw errors.emptyFile({ path: file.path });
  const fault = faults[0] ?? scanner.unfinished(file.size);
  if (fault === null) return scanner.index;
  throw errors.brokenJson({ path: file.path, ...(await file.place(fault.offset)), problem: fault.problem });
}

type State = 'start' | 'first' | 'element' | 'inside' | 'string' | 'escape' | 'scalar' | 'behind' | 'end';

/** Follows an array byte by byte; only ASCII bytes matter, so that UTF-8 needs no decoding. */
class ElementScanner {
  readonly index = new ByteIndex();
  private state: State = 'start';
  private depth = 0;
  private start = 0;

  get isEmpty(): boolean {
    return this.state === 'start';
  }

  /** Takes one byte; a problem when it cannot stand there. */
  feed(byte: number, offset: number): string | null {
    switch (this.state) {
      case 'inside':
        return this.inside(byte, offset);
      case 'string':
        if (byte === backslash) this.state = 'escape';
        else if (byte === quote && this.depth > 0) this.state = 'inside';
        else if (byte === quote) this.finish(offset + 1);
        return null;
      case 'escape':
        this.state = 'string';
        return null;
      case 'scalar':
        if (byte !== comma && byte !== closeBracket && !isSpace(byte)) return null;
        this.finish(offset);
        return this.between(byte, offset);
      default:
        return this.between(byte, offset);
    }
  }

  /** What is missing when the file ends here; null when the array was closed. */
  unfinished(size: number): { offset: number; problem: string } | null {
    if (this.state === 'end') return null;
    if (['inside', 'string', 'escape'].includes(this.state)) {
      return { offset: this.start, problem: 'the file ends inside the row that begins here' };
    }
    return { offset: size, problem: 'the file ends before the array is closed by "]"' };
  }

  private inside(byte: number, offset: number): null {
    if (byte === quote) this.state = 'string';
    else if (byte === openBrace || byte === openBracket) this.depth++;
    else if ((byte === closeBrace || byte === closeBracket) && --this.depth === 0) this.finish(offset + 1);
    return null;
  }

  private between(byte: number, offset: number): string | null {
    if (isSpace(byte)) return null;
    if (this.state === 'start') {
      if (byte !== openBracket) return 'the file must hold an array of objects, "[ {…}, {…} ]"';
      this.state = 'first';
      return null;
    }
    if (this.state === 'end') return 'there is more text behind the array';
    if (this.state === 'behind') {
      if (byte !== comma && byte !== closeBracket) return '"," or "]" is missing behind a row';
      this.state = byte === comma ? 'element' : 'end';
      return null;
    }
    if (byte === comma) return 'a comma stands where a row should be';
    if (byte === closeBracket) {
      if (this.state === 'element') return 'there is a comma before "]"';
      this.state = 'end';
      return null;
    }
    this.start = offset;
    this.depth = byte === openBrace || byte === openBracket ? 1 : 0;
    this.state = this.depth === 1 ? 'inside' : byte === quote ? 'string' : 'scalar';
    return null;
  }

  private finish(end: number): void {
    this.index.push(this.start, end);
    this.state = 'behind';
  }
}

const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const isSpace = (byte: number) => byte === 32 || byte === 10 || byte === 13 || byte === 9;
