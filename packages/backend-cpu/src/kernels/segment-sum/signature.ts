// SPDX-License-Identifier: Apache-2.0
import { floats, integers, output, size } from '../signature.js';

export const segmentSumSignatures = {
  segmentSum: {
    count: size,
    segments: size,
    values: floats('count'),
    response: integers('count'),
    y: output('segments'),
  },
};
