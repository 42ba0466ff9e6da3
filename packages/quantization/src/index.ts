// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import { WeightFormatToken } from '@llmf/nn';
import { fp4, nf4 } from './four-bit.js';
import { int8 } from './int8.js';

export { fourBitOptions, fp4, nf4 } from './four-bit.js';
export { int8 } from './int8.js';

/** Formats of fewer bits for frozen weights: `quantization: nf4`. */
export default function quantization(): Plugin {
  return {
    name: 'quantization',
    apiVersion,
    description: 'formats of frozen weights: nf4, fp4, int8',
    apply(engine) {
      for (const format of [nf4, fp4, int8]) engine.provide(WeightFormatToken, format);
    },
  };
}
