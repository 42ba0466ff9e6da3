// SPDX-License-Identifier: Apache-2.0
/** What Python's `str.isspace` and `re`'s `\s` take for white space; JavaScript's `\s` differs in six characters. */
export const whitespaceClass =
  '\\t\\n\\v\\f\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const leading = new RegExp(`^[${whitespaceClass}]+`);
const isSpace = new RegExp(`^[${whitespaceClass}]$`);
const all = new RegExp(`^[${whitespaceClass}]+$`);
const runs = new RegExp(`[${whitespaceClass}]+`);

export const stripStart = (text: string): string => text.replace(leading, '');

export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

export const isWhitespace = (text: string): boolean => all.test(text);

/** Words between white space, none of them empty. */
export const words = (text: string): string[] => text.split(runs).filter((word) => word !== '');
