// SPDX-License-Identifier: Apache-2.0
/** Heads that stand beside a language model: `heads.json` says what they are, `heads.safetensors` holds their weights. */
import { join } from 'node:path';
import { readSafetensors, readText } from '@llmf/core';
import { z } from 'zod';
import type { Head, SavedHeads } from '../contracts/head.js';
import { headErrors } from './head-errors.js';
import { readValueHead } from './value-head-file.js';

export const headsFile = 'heads.json';
export const headWeightsFile = 'heads.safetensors';

const headList = z.array(
  z.strictObject({
    name: z.string().min(1),
    outputs: z.int().min(1),
    at: z.enum(['token', 'first', 'last', 'mean', 'action']),
    bias: z.boolean().optional(),
    hidden: z.array(z.int().min(1)).optional(),
    deviation: z.number().optional(),
    labels: z.array(z.string()).optional(),
    activation: z.enum(['relu', 'tanh']).optional(),
    problem: z.enum(['regression', 'single_label_classification', 'multi_label_classification']).optional(),
  }),
);

/** The heads beside the model or adapter of a folder; null where there are none. @throws LLMF_NN_HEAD_FILE */
export async function readHeads(folder: string): Promise<SavedHeads | null> {
  const file = join(folder, headsFile);
  const text = await readText(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw headErrors.headFile({ file, problem: error.message });
  });
  if (text === null) return await readValueHead(folder);
  return { heads: parsed(text, file), tensors: await readSafetensors(join(folder, headWeightsFile)), folder };
}

/** What `readHeads` reads back. */
export const headsText = (heads: readonly Head[]): string => `${JSON.stringify(heads, null, 2)}\n`;

function parsed(text: string, file: string): Head[] {
  try {
    return headList.parse(JSON.parse(text)) as Head[];
  } catch (error) {
    throw headErrors.headFile({ file, problem: (error as Error).message });
  }
}
