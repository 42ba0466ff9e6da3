// SPDX-License-Identifier: Apache-2.0
import type { DynamicCodes } from '../contracts/quantizer.js';

const { fround } = Math;

/** Of −1 … 1. */
export const signedCodes: DynamicCodes = dynamicCodes(true);
/** Of 0 … 1. */
export const unsignedCodes: DynamicCodes = dynamicCodes(false);

function dynamicCodes(isSigned: boolean): DynamicCodes {
  const book = dynamicBook(isSigned);
  const first = firstCandidates(book);
  const bits = new Float32Array(1);
  const words = new Uint32Array(bits.buffer);
  return {
    book,
    first,
    codeOf(value) {
      const wanted = fround(value);
      bits[0] = wanted;
      // The greatest value not above the wanted one; its neighbour above may be nearer.
      let code = first[words[0]! >>> 16]!;
      while (code < 255 && book[code + 1]! <= wanted) code++;
      if (code === 255) return code;
      return Math.abs(fround(wanted - book[code + 1]!)) < Math.abs(fround(wanted - book[code]!)) ? code + 1 : code;
    },
  };
}

/** For the upper half of a float32's bits: the code of the greatest value not above any number that begins so; at least 0. */
function firstCandidates(book: Float32Array): Uint8Array {
  const words = new Uint32Array(1);
  const value = new Float32Array(words.buffer);
  return Uint8Array.from({ length: 2 ** 16 }, (_, upper) => {
    const isNegative = upper >= 2 ** 15;
    words[0] = ((upper << 16) | (isNegative ? 0xffff : 0)) >>> 0; // the least number of the interval
    const least = value[0]!;
    let code = 0;
    while (code < 255 && book[code + 1]! <= least) code++;
    return code;
  });
}

function dynamicBook(isSigned: boolean): Float32Array {
  const values = [0, 1];
  for (let exponent = 0; exponent < 7; exponent++) {
    const power = fround(10 ** (exponent - 6));
    for (const mean of means(2 ** (isSigned ? exponent : exponent + 1) + 1)) {
      const value = fround(power * mean);
      values.push(value);
      if (isSigned) values.push(-value);
    }
  }
  return Float32Array.from(values).sort();
}

/** Midpoints of `count` evenly spaced numbers from 0.1 to 1. */
function means(count: number): number[] {
  const [least, most] = [fround(0.1), 1];
  const step = fround(fround(most - least) / (count - 1));
  const at = (index: number) =>
    index < count / 2 ? fround(least + step * index) : fround(most - step * (count - 1 - index));
  return Array.from({ length: count - 1 }, (_, index) => fround(fround(at(index) + at(index + 1)) / 2));
}
