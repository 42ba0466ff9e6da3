// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

export const maskedOptions = z.strictObject({
  probability: z
    .number()
    .positive()
    .max(1)
    .default(0.15)
    .describe('Share of the tokens that are predicted (paper: 0.15).'),
  wholeWords: z.boolean().default(false).describe('Choose words, and with a word all of its tokens.'),
});

export type MaskedOptions = z.infer<typeof maskedOptions>;
