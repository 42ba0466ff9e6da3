// SPDX-License-Identifier: Apache-2.0
import { floats, output, size } from '../signature.js';

export const accumulateSignatures = {
  accumulate: { count: size, accumulator: output('count'), value: floats('count') },
};
