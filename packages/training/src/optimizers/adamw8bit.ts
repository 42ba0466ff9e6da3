// SPDX-License-Identifier: Apache-2.0
import { adamwStep, signedCodes, unsignedCodes } from '@llmf/nn';
import { adamwOptions, type AdamWOptions } from './adamw.js';
import { eightBit } from './eight-bit.js';

/** AdamW, both moments in 8 bits. */
export const adamw8bit = eightBit<AdamWOptions>({
  name: 'adamw8bit',
  description: 'AdamW that remembers in 8 bits: a quarter of its memory',
  options: adamwOptions,
  moments: { m: signedCodes, v: unsignedCodes },
  step({ parameter, gradient, learningRate, weightDecay, update, options, memory }) {
    const one = { parameter, gradient, m: memory('m'), v: memory('v'), weightDecay };
    adamwStep([one], { ...options, learningRate, step: update });
  },
});
