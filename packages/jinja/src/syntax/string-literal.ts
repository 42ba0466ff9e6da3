// SPDX-License-Identifier: Apache-2.0
const simple: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const escapes = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S])|$)/g;

/**
 * The text of a string literal's inside, as Python's `unicode-escape` reads it: unknown escapes stay as they are.
 * @throws Error with what is wrong.
 */
export function unescapeString(inside: string): string {
  if (!inside.includes('\\')) return inside;
  return inside.replace(escapes, (whole, octal, two, four, eight, other: string | undefined) => {
    if (octal !== undefined) return String.fromCodePoint(parseInt(octal as string, 8));
    const hex = (two ?? four ?? eight) as string | undefined;
    if (hex !== undefined) return fromHex(hex);
    if (other === undefined) throw new Error('\\ at end of string');
    if ('xuU'.includes(other)) throw new Error(`truncated \\${other} escape`);
    if (other === 'N') throw new Error('characters by name (\\N{…}) are not supported; write the character itself');
    return simple[other] ?? whole;
  });
}

function fromHex(hex: string): string {
  const code = parseInt(hex, 16);
  if (code > 0x10ffff) throw new Error('illegal Unicode character');
  return String.fromCodePoint(code);
}
