// SPDX-License-Identifier: Apache-2.0
// Patterns of tokenizer.json are Oniguruma's (Ruby syntax): `\s`, `\w`, `(?i:…)`, possessive repeats and POSIX classes
// mean other things there than in JavaScript, so each is translated.
import { toRegExpDetails } from 'oniguruma-to-es';
import { isRecord, UnsupportedPart } from './json.js';
import { assignedIn17 } from './unicode-tables.js';

/** One piece of a text: where it begins and ends, and whether the pattern matched it. */
export type Span = readonly [start: number, end: number, isMatch: boolean];

/** Finds every match of a pattern; the spans cover the text without gaps. */
export type FindSpans = (text: string) => Span[];

/** `{ String }` or `{ Regex }` as tokenizer.json writes patterns. @throws UnsupportedPart */
export function compilePattern(pattern: unknown, part: string): FindSpans {
  if (isRecord(pattern) && typeof pattern['String'] === 'string') return findRegex(literal(pattern['String']));
  if (isRecord(pattern) && typeof pattern['Regex'] === 'string') {
    return withoutNewer(findRegex(translate(pattern['Regex'], part)));
  }
  throw new UnsupportedPart(part, `its pattern is ${JSON.stringify(pattern)}, not { String } or { Regex }`);
}

const literal = (text: string) => new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu');

function translate(source: string, part: string): RegExp {
  try {
    const { pattern, flags, options } = toRegExpDetails(withOwnWords(withBothCases(source)), { target: 'ES2024' });
    if (options?.strategy === undefined || options.strategy === null) return new RegExp(pattern, `${flags}g`);
  } catch (error) {
    throw new UnsupportedPart(part, `the pattern ${source} cannot be read: ${(error as Error).message}`);
  }
  throw new UnsupportedPart(part, `the pattern ${source} cannot be written for this platform`);
}

/** `(?i:'s|'ll)` without the flag, which JavaScript has for whole patterns only and which widens classes such as `\p{L}`. */
const withBothCases = (source: string) =>
  source.replace(/\(\?i:([^()[\]\\]*)\)/g, (_, alternatives: string) => {
    return `(?:${alternatives.replace(/\p{L}/gu, (letter) => `[${letter}${otherCases(letter)}]`)})`;
  });

function otherCases(letter: string): string {
  const more = { s: 'ſ', k: '\u212a', å: '\u212b' }[letter.toLowerCase()] ?? '';
  return letter.toLowerCase() + letter.toUpperCase() + more;
}

/** Oniguruma's `\w`: letters by `Alphabetic`, decimal digits, and the raised digits and fractions of Latin-1. */
const withOwnWords = (source: string) =>
  source.replace(/\\[\s\S]/g, (escape) => {
    if (escape.toLowerCase() !== '\\w') return escape;
    return `[${escape === '\\W' ? '^' : ''}\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}²³¹¼-¾]`;
  });

const newer = new RegExp(`[${assignedIn17}]`, 'u');
const everyNewer = new RegExp(newer.source, 'gu');

/** Characters that the pattern's own tables do not know stand for characters that nobody has assigned. */
export const withoutNewer =
  (find: FindSpans): FindSpans =>
  (text) =>
    find(newer.test(text) ? text.replace(everyNewer, unassignedOfSize) : text);

const unassignedOfSize = (character: string) => (character.length === 1 ? '\u0378' : '\u{e0080}');

/** Every match from left to right; an empty one right behind a match does not count, as in Oniguruma's iterator. */
export function findRegex(regex: RegExp): FindSpans {
  return (text) => {
    if (text === '') return [[0, 0, false]];
    const spans: Span[] = [];
    let covered = 0;
    let previousEnd = -1;
    regex.lastIndex = 0;
    for (let match = regex.exec(text); match !== null; match = regex.exec(text)) {
      const start = match.index;
      const end = start + match[0].length;
      if (start === end) regex.lastIndex = start === previousEnd ? end + characterLength(text, end) : end;
      if (start === end && start === previousEnd) continue;
      previousEnd = end;
      if (covered !== start) spans.push([covered, start, false]);
      spans.push([start, end, true]);
      covered = end;
    }
    if (covered !== text.length) spans.push([covered, text.length, false]);
    return spans;
  };
}

const characterLength = (text: string, at: number) => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
