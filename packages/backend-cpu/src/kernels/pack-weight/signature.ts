// SPDX-License-Identifier: Apache-2.0
import { floats, bytes, output, outputBytes, outputIntegers, size, weight } from '../signature.js';

export const packWeightSignatures = {
  /** `order` gives the code of the value above so many of the ascending `bounds`. `isFinite` is left alone, or becomes 0. */
  packNearest: {
    count: size,
    blockSize: size,
    weight: weight('count'),
    bounds: floats('15'),
    order: bytes('16'),
    codes: outputBytes('(count + 1) / 2'),
    scales: output('blocks_of(count, block_size)'),
    isFinite: outputIntegers('1'),
  },
  packRows: {
    rows: size,
    columns: size,
    weight: weight('rows * columns'),
    codes: outputBytes('rows * columns'),
    scales: output('rows'),
    isFinite: outputIntegers('1'),
  },
};
