// SPDX-License-Identifier: Apache-2.0
import { bytes, integers, output, size } from '../signature.js';

export const castSignatures = {
  castIntegers: { count: size, x: integers('count'), y: output('count') },
  castBytes: { count: size, x: bytes('count'), y: output('count') },
};
