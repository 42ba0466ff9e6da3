// SPDX-License-Identifier: Apache-2.0
const letter = /\p{Cased}/u;
const upper = /[\p{Uppercase}]/u;
const lower = /[\p{Lowercase}]/u;
const title = /\p{Lt}/u;

/** Letters whose titlecase is not their uppercase. */
const titlecased: Readonly<Record<string, string>> = {
  Ǆ: 'ǅ',
  ǆ: 'ǅ',
  Ǉ: 'ǈ',
  ǉ: 'ǈ',
  Ǌ: 'ǋ',
  ǌ: 'ǋ',
  Ǳ: 'ǲ',
  ǳ: 'ǲ',
};

function toTitle(character: string): string {
  const special = titlecased[character];
  if (special !== undefined || title.test(character)) return special ?? character;
  const [first = '', ...rest] = character.toUpperCase();
  return first + rest.join('').toLowerCase();
}

/** Python's `capitalize`: the first character in title case, all others lower. */
export function capitalize(text: string): string {
  const [first, ...rest] = text;
  return first === undefined ? '' : toTitle(first) + rest.join('').toLowerCase();
}

/** Python's `title`: letters behind letters lower, all others in title case. */
export function titleCase(text: string): string {
  let isInside = false;
  let result = '';
  for (const character of text) {
    result += isInside ? character.toLowerCase() : toTitle(character);
    isInside = letter.test(character);
  }
  return result;
}

export function swapCase(text: string): string {
  return Array.from(text, (character) =>
    upper.test(character) ? character.toLowerCase() : lower.test(character) ? character.toUpperCase() : character,
  ).join('');
}

/** At least one cased character, and all of them lower. */
export const isLower = (text: string): boolean =>
  !/[\p{Lu}\p{Lt}]/u.test(text) && lower.test(text) && !upper.test(text);
export const isUpper = (text: string): boolean => !title.test(text) && upper.test(text) && !lower.test(text);

/** Capitals only behind what has no case, small letters only behind letters. */
export function isTitle(text: string): boolean {
  let isInside = false;
  let hasLetter = false;
  for (const character of text) {
    const isCapital = upper.test(character) || title.test(character);
    const isSmall = lower.test(character);
    if ((isCapital && isInside) || (isSmall && !isInside)) return false;
    isInside = isCapital || isSmall;
    hasLetter ||= isInside;
  }
  return hasLetter;
}
