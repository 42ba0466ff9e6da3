// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** `model:` of the config. */
export const modelOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('Model folder, GGUF file, or a Hugging Face hub id such as Qwen/Qwen2.5-0.5B-Instruct.')
    .meta({ decides: 'content' }),
  maxShardSize: z
    .string()
    .regex(/^\d+(\.\d+)? ?(K|M|G|T)i?B$/i, 'a number with KB, MB, GB or TB (KiB, MiB, … in powers of 1,024)')
    .default('5GB')
    .describe('A trained model above this size is written in several files with an index, as by Transformers.')
    .meta({ decides: false }),
});
export type ModelOptions = z.infer<typeof modelOptions>;
