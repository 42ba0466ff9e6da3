// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import { WeightFormatToken, WeightLayoutToken } from '@llmf/nn';
import { fp4, nf4 } from './four-bit.js';
import { ggufBlocks } from './gguf-blocks.js';
import { int4 } from './int4.js';
import { int8 } from './int8.js';
import { awqLayout } from './layouts/awq.js';
import { bitsandbytesLayout } from './layouts/bitsandbytes.js';
import { gptqLayout } from './layouts/gptq.js';

export { fourBitOptions, fp4, nf4 } from './four-bit.js';
export { ggufBlocks } from './gguf-blocks.js';
export { int4 } from './int4.js';
export { int8 } from './int8.js';
export { awqLayout } from './layouts/awq.js';
export { bitsandbytesLayout } from './layouts/bitsandbytes.js';
export { gptqLayout } from './layouts/gptq.js';

/** Formats of fewer bits for frozen weights: `quantization: nf4`. */
export default function quantization(): Plugin {
  return {
    name: 'quantization',
    apiVersion,
    description:
      'formats of frozen weights: nf4, fp4, int8, int4, blocks of GGUF files; folders of bitsandbytes, GPTQ, AWQ',
    apply(engine) {
      for (const format of [nf4, fp4, int8, int4, ...ggufBlocks]) engine.provide(WeightFormatToken, format);
      for (const layout of [bitsandbytesLayout, gptqLayout, awqLayout]) engine.provide(WeightLayoutToken, layout);
    },
  };
}
