// SPDX-License-Identifier: Apache-2.0
import { chooseTemplate, encodePrompt, stopTokens, Tokenizer, type ChosenTemplate } from '@llmf/data';
import { generate, type GenerateOptions } from '@llmf/models';
import { openInference, type Inference, type InferenceRequest } from './inference.js';
import type { CliIo } from './io.js';
import { promptWithImages } from './prompt-with-images.js';
import { TextStream } from './text-stream.js';

export interface GenerateFlags extends Omit<InferenceRequest, 'plugins' | 'config'> {
  readonly prompt: string;
  readonly image?: readonly string[];
  readonly template: string;
  readonly system?: string;
  readonly greedy?: boolean;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly seed: number;
  readonly maxNewTokens: number;
  readonly plugin?: readonly string[];
}

/** Prints the model's answer on standard output as it comes; everything else goes to standard error. */
export async function generateCommand(io: CliIo, flags: GenerateFlags): Promise<void> {
  const { plugin: plugins = [], template: templateName } = flags;
  const logger = {
    info: (line: string) => io.err.write(`${line}\n`),
    warn: (line: string) => io.err.write(`warning: ${line}\n`),
  };
  // Of the data section its template and packing count here; nothing is read from `train`.
  const config = { data: { train: [{ path: '.' }], template: templateName } };
  const inference = await openInference(io, { ...flags, plugins, config }, logger);
  try {
    const tokenizer = await Tokenizer.load(inference.folder);
    const template = await chooseTemplate(templateName, tokenizer, io.folder);
    const prompt = await promptOf(inference, flags, tokenizer, template);
    const stream = new TextStream(tokenizer, (text) => io.out.write(text));
    const { greedy = false, temperature, topP, topK, seed, maxNewTokens } = flags;
    await generate(inference.model, prompt.ids, {
      greedy,
      temperature,
      topP,
      topK,
      seed,
      maxNewTokens,
      adapter: inference.adapter,
      eosIds: stopTokens(tokenizer, template),
      onToken: (id) => stream.push(id),
      ...prompt.options,
    });
    stream.end();
    io.out.write('\n');
  } finally {
    await inference.close();
  }
}

/** What a prompt is to the model: ids and, with pictures, their positions and embeddings. */
export interface ModelPrompt {
  readonly ids: ArrayLike<number>;
  readonly options: Pick<GenerateOptions, 'positions' | 'embedded'>;
}

async function promptOf(
  inference: Inference,
  { prompt, system, image: images = [] }: GenerateFlags,
  tokenizer: Tokenizer,
  template: ChosenTemplate,
): Promise<ModelPrompt> {
  const systemTurn = system === undefined ? [] : [{ role: 'system' as const, content: system }];
  if (images.length > 0) return await promptWithImages(inference, { prompt, systemTurn, images }, tokenizer, template);
  const messages = [...systemTurn, { role: 'user' as const, content: prompt }];
  return { ids: encodePrompt(tokenizer, template, system === undefined ? prompt : messages), options: {} };
}
