// SPDX-License-Identifier: Apache-2.0
import { chooseTemplate, stopTokens, Tokenizer, type ChosenTemplate } from '@llmf/data';
import { generate, type GenerateOptions } from '@llmf/nn';
import { openInference, type Inference, type InferenceRequest } from './inference.js';
import type { CliIo } from './io.js';
import { TextStream } from './text-stream.js';

/** What `generate` and `chat` take. */
export interface SamplingFlags extends Pick<InferenceRequest, 'model' | 'adapter' | 'precision' | 'backend'> {
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

/** What a prompt is to the model: ids and, with pictures, their positions and embeddings. */
export interface ModelPrompt {
  readonly ids: ArrayLike<number>;
  readonly options: Pick<GenerateOptions, 'positions' | 'embedded'>;
}

/** A model that answers: its text goes to standard output as it comes, everything else to standard error. */
export interface Generator {
  readonly inference: Inference;
  readonly tokenizer: Tokenizer;
  readonly template: ChosenTemplate;
  /** Writes the answer and returns it. */
  answer(prompt: ModelPrompt, seed?: number): Promise<string>;
  close(): Promise<void>;
}

export async function openGenerator(
  io: CliIo,
  flags: SamplingFlags,
  settings: readonly string[],
  command: string,
): Promise<Generator> {
  const { plugin: plugins = [], template: templateName, seed: firstSeed } = flags;
  const logger = {
    info: (line: string) => io.err.write(`${line}\n`),
    warn: (line: string) => io.err.write(`warning: ${line}\n`),
  };
  // Of the data section its template and packing count here; nothing is read from `train`.
  const config = { data: { train: [{ path: '.' }], template: templateName } };
  const inference = await openInference(io, { ...flags, plugins, config, settings, command }, logger);
  try {
    const tokenizer = await Tokenizer.load(inference.folder);
    const template = await chooseTemplate(templateName, tokenizer, io.folder);
    const { greedy = false, temperature, topP, topK, maxNewTokens } = flags;
    const fixed = { temperature: greedy ? 0 : temperature, topP, topK, maxNewTokens, adapter: inference.adapter };
    const eosIds = stopTokens(tokenizer, template);
    return {
      inference,
      tokenizer,
      template,
      close: () => inference.close(),
      async answer(prompt, seed = firstSeed) {
        const stream = new TextStream(tokenizer, (text) => io.out.write(text));
        const onToken = (id: number) => stream.push(id);
        await generate(inference.model, prompt.ids, { ...fixed, seed, eosIds, onToken, ...prompt.options });
        stream.end();
        io.out.write('\n');
        return stream.text();
      },
    };
  } catch (error) {
    await inference.close();
    throw error;
  }
}
