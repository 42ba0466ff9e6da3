// SPDX-License-Identifier: Apache-2.0
/** A part of tokenizer.json, as it was read. */
export type Json = Record<string, unknown>;

/** What tokenizer.json names and this package does not compute: told before any text is encoded, never approximated. */
export class UnsupportedPart extends Error {
  constructor(
    /** e.g. `pre_tokenizer UnicodeScripts` */
    readonly part: string,
    readonly because: string,
  ) {
    super(`${part}: ${because}`);
  }
}

/** A text that the tokenizer has no ids for, e.g. an unknown word without an unknown token. */
export class NoToken extends Error {}

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const partsOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);

export const stringOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

export const booleanOf = (value: unknown, otherwise: boolean): boolean =>
  typeof value === 'boolean' ? value : otherwise;

export const numberOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
