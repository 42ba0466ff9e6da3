// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

export const engineOptions = z.strictObject({
  plugins: z.array(z.string().min(1)).default([]).describe('Plugins to load, besides those that come with llmf.'),
  output: z.string().min(1).optional().describe('Folder of the run; default runs/<loss>.').meta({ decides: false }),
  saveDtype: z
    .enum(['auto', 'f32', 'f16', 'bf16'])
    .default('auto')
    .describe("Of a full model's file at the end; auto keeps the source's. Adapters are f32.")
    .meta({ decides: false }),
});
