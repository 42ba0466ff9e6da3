// SPDX-License-Identifier: Apache-2.0
import { encodePrompt } from '@llmf/data';
import type { CliIo } from './io.js';
import { openGenerator, type Generator, type ModelPrompt, type SamplingFlags } from './open-generator.js';
import { promptWithImages } from './prompt-with-images.js';

export interface GenerateFlags extends SamplingFlags {
  readonly prompt: string;
  readonly image?: readonly string[];
}

/** Prints the model's answer to one prompt. */
export async function generateCommand(io: CliIo, settings: readonly string[], flags: GenerateFlags): Promise<void> {
  const generator = await openGenerator(io, flags, settings, 'llmf generate');
  try {
    await generator.answer(await promptOf(generator, flags));
  } finally {
    await generator.close();
  }
}

async function promptOf(
  generator: Generator,
  { prompt, system, image: images = [] }: GenerateFlags,
): Promise<ModelPrompt> {
  const { inference, tokenizer, template } = generator;
  const systemTurn = system === undefined ? [] : [{ role: 'system' as const, content: system }];
  if (images.length > 0) return await promptWithImages(inference, { prompt, systemTurn, images }, tokenizer, template);
  const messages = [...systemTurn, { role: 'user' as const, content: prompt }];
  const isWhole = inference.model.decoderStart !== undefined;
  return { ids: encodePrompt(tokenizer, template, system === undefined ? prompt : messages, isWhole), options: {} };
}
