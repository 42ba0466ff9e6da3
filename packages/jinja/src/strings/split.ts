// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateValues, spendOnText } from '../runtime/budget.js';
import { valueError } from '../template-error.js';
import { isWhitespace, stripEnd, stripStart, whitespaceClass, words } from './whitespace.js';

/** Python's `split`: at `separator`, or at white space where it is null; at most `most` times unless negative. */
export function split(text: string, separator: string | null, most: number): string[] {
  spendOnText(text.length);
  // Before they are made: a long text may have millions of parts.
  allocateValues(
    1 +
      (separator === null
        ? countWhere(text, isWhitespace)
        : countWhere(text, (character) => character === separator[0])),
  );
  const parts = separator === null ? splitSpace(text, most) : splitAt(text, separator, most);
  return parts;
}

function countWhere(text: string, isCounted: (character: string) => boolean): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) if (isCounted(text[at]!)) count++;
  return count;
}

function splitAt(text: string, separator: string, most: number): string[] {
  if (separator === '') throw valueError('empty separator');
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function splitSpace(text: string, most: number): string[] {
  if (most < 0) return words(text);
  const parts: string[] = [];
  let rest = stripStart(text);
  const word = new RegExp(`^[^${whitespaceClass}]+`);
  while (rest !== '' && parts.length < most) {
    const [first] = word.exec(rest)!;
    parts.push(first);
    rest = stripStart(rest.slice(first.length));
  }
  return rest === '' ? parts : [...parts, rest];
}

/** Python's `rsplit`: as `split`, from the end. */
export function splitFromEnd(text: string, separator: string | null, most: number): string[] {
  if (most < 0) return split(text, separator, -1);
  spendOnText(text.length);
  if (separator !== null) return splitAtFromEnd(text, separator, most);
  const parts: string[] = [];
  let rest = stripEnd(text);
  while (rest !== '' && parts.length < most) {
    let start = rest.length;
    while (start > 0 && !isWhitespace(rest[start - 1]!)) start--;
    parts.unshift(rest.slice(start));
    rest = stripEnd(rest.slice(0, start));
  }
  return rest === '' ? parts : [rest, ...parts];
}

function splitAtFromEnd(text: string, separator: string, most: number): string[] {
  if (separator === '') throw valueError('empty separator');
  const parts: string[] = [];
  let end = text.length;
  while (parts.length < most) {
    const at = end < separator.length ? -1 : text.lastIndexOf(separator, end - separator.length);
    if (at === -1) break;
    parts.unshift(text.slice(at + separator.length, end));
    end = at;
  }
  allocateItems(parts.length);
  return [text.slice(0, end), ...parts];
}

const lineEnds = '\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029';
const lineEnd = new RegExp(`\\r\\n|[${lineEnds}]`, 'g');

/** Python's `splitlines`: no empty line behind the last line end. */
export function splitLines(text: string, keepsEnds: boolean): string[] {
  spendOnText(text.length);
  const lines: string[] = [];
  let start = 0;
  for (const match of text.matchAll(lineEnd)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(start, keepsEnds ? end : match.index));
    start = end;
  }
  if (start < text.length) lines.push(text.slice(start));
  allocateItems(lines.length);
  return lines;
}
