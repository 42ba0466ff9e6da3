// SPDX-License-Identifier: Apache-2.0
import { bytes, floats, number, output, outputBytes, size } from '../signature.js';

const blocks = { count: size, blockSize: size, book: floats('256') };

export const dynamicCodesSignatures = {
  /** `first` as DynamicCodes of nn has it. */
  packDynamic: {
    ...blocks,
    offset: number,
    values: floats('count'),
    first: bytes('65536'),
    codes: outputBytes('count'),
    scales: output('blocks_of(count, block_size)'),
  },
  expandDynamic: {
    ...blocks,
    codes: bytes('count'),
    scales: floats('blocks_of(count, block_size)'),
    values: output('count'),
  },
};
