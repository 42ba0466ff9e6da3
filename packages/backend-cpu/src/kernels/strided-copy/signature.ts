// SPDX-License-Identifier: Apache-2.0
import { integers, outputWords, size, words } from '../signature.js';

export const stridedCopySignatures = {
  stridedCopy: {
    axes: size,
    fromOffset: size,
    toOffset: size,
    sizes: integers('axes'),
    fromStrides: integers('axes'),
    toStrides: integers('axes'),
    from: words('reach_from(from_offset, axes, sizes, from_strides)'),
    to: outputWords('reach_from(to_offset, axes, sizes, to_strides)'),
  },
};
