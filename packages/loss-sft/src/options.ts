// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

export const sftOptions = z.strictObject({
  variant: z
    .enum(['nll', 'dft'])
    .default('nll')
    .describe('nll: negative log-likelihood; dft: the same times the probability, as a constant (DFT).'),
});

export type SftOptions = z.infer<typeof sftOptions>;
