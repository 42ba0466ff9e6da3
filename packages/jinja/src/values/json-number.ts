// SPDX-License-Identifier: Apache-2.0
import { floatRepr } from './float-repr.js';

/**
 * A JSON number as it was written, where a JavaScript number would lose what it says: `1.0` (a float), `12.30`,
 * integers beyond 2^53.
 */
export class JsonNumber {
  constructor(readonly text: string) {}

  /** An int or a float, as Python reads it. */
  get value(): bigint | number {
    return /^-?\d+$/.test(this.text) ? BigInt(this.text) : Number(this.text);
  }

  /** A float that has no text of its own: a column of floats may hold 1, which is 1.0. */
  static float(value: number): JsonNumber {
    return new JsonNumber(floatRepr(value));
  }

  valueOf(): number {
    return Number(this.text);
  }

  toString(): string {
    return this.text;
  }

  /** Nearest JavaScript number, for who needs no more. */
  toJSON(): number {
    return Number(this.text);
  }
}
