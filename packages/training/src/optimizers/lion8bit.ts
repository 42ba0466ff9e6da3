// SPDX-License-Identifier: Apache-2.0
import { signedCodes } from '@llmf/nn';
import { eightBit } from './eight-bit.js';
import { lionOptions, lionStep, type LionOptions } from './lion.js';

/** Lion, its mean in 8 bits. */
export const lion8bit = eightBit<LionOptions>({
  name: 'lion8bit',
  description: 'Lion that remembers in 8 bits: an eighth of AdamW’s memory',
  options: lionOptions,
  moments: { m: signedCodes },
  step: lionStep,
});
