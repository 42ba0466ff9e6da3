// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** `model:` of the config. */
export const modelOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('Model folder, GGUF file, or a Hugging Face hub id such as Qwen/Qwen2.5-0.5B-Instruct.')
    .meta({ decides: 'content' }),
});
export type ModelOptions = z.infer<typeof modelOptions>;
