// SPDX-License-Identifier: Apache-2.0
import { output, scalar, size } from '../signature.js';

export const fillSignatures = {
  fill: { count: size, value: scalar, y: output('count') },
};
