// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@llmf/core';
import { chooseTemplate, stopTokens, Tokenizer, type ChosenTemplate } from '@llmf/data';
import { readGenerationDefaults, type GenerationDefaults } from '@llmf/models';
import { generate, GuideToken, type GenerateOptions, type GenerationSettings, type Steering } from '@llmf/nn';
import { checkFiles } from '@llmf/training';
import { classifierOf, openInference, type Inference, type InferenceRequest } from './inference.js';
import { cliErrors } from './cli-errors.js';
import type { CliIo } from './io.js';
import {
  answerTokens,
  checkSamplingFlags,
  ownSettings,
  samplingSettings,
  type SamplingChoice,
} from './sampling-settings.js';
import { TextStream, upToStop } from './text-stream.js';

/** What `generate` and `chat` take. */
export interface SamplingFlags
  extends SamplingChoice, Pick<InferenceRequest, 'model' | 'adapter' | 'precision' | 'backend'> {
  readonly template: string;
  readonly system?: string;
  readonly seed: number;
  /** Strength of the steering by heads of the model's folder. */
  readonly guide?: number;
  readonly stop?: readonly string[];
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
  /** How tokens are chosen and where an answer ends, as flags and the model's own file say. */
  readonly settings: Omit<GenerationSettings, 'maxNewTokens'>;
  /** By heads of the model's folder, where --guide asks for it. */
  readonly steering: Steering | undefined;
  /** Tokens that an answer to a prompt of so many may have. */
  longestFor(promptTokens: number): number;
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
  checkSamplingFlags(flags, command);
  const { plugin: plugins = [], template: templateName, seed: firstSeed } = flags;
  const logger = {
    info: (line: string) => io.err.write(`${line}\n`),
    warn: (line: string) => io.err.write(`warning: ${line}\n`),
  };
  // Of the data section its template and packing count here; nothing is read from `train`.
  const config = { data: { train: [{ path: '.' }], template: templateName } };
  const inference = await openInference(io, { ...flags, plugins, config, settings, command }, logger);
  try {
    if (classifierOf(inference) !== null)
      throw cliErrors.classifierAnswers({ folder: flags.adapter ?? inference.folder });
    const tokenizer = await Tokenizer.load(inference.tokenizerFolder);
    const template = await chooseTemplate(templateName, tokenizer, io.folder);
    const defaults = await readGenerationDefaults(inference.folder, inference.tokenizerFolder);
    sayOwnSettings(logger, flags, defaults);
    const eosIds = [...new Set([...stopTokens(tokenizer, template), ...defaults.eosIds])];
    const { stop = [] } = flags;
    const endsIn = (ids: readonly number[]) => {
      const text = tokenizer.decode(ids, { skipSpecialTokens: true });
      return upToStop(text, stop) !== text;
    };
    const fixed = { ...samplingSettings(flags, defaults), eosIds, ...(stop.length === 0 ? {} : { stops: endsIn }) };
    const steering = flags.guide === undefined ? undefined : steeringOf(inference, flags.guide);
    const longestFor = (promptTokens: number) => answerTokens(flags, defaults, promptTokens);
    return {
      inference,
      tokenizer,
      template,
      settings: { ...fixed, seed: firstSeed },
      steering,
      longestFor,
      close: () => inference.close(),
      async answer(prompt, seed = firstSeed) {
        const stream = new TextStream(tokenizer, (text) => io.out.write(text), stop);
        const onToken = (id: number) => stream.push(id);
        const maxNewTokens = longestFor(prompt.ids.length);
        const { adapter } = inference;
        await generate(inference.model, prompt.ids, {
          ...fixed,
          adapter,
          steering,
          maxNewTokens,
          seed,
          onToken,
          ...prompt.options,
        });
        stream.end();
        io.out.write('\n');
        await checkFiles(inference.run);
        return stream.text();
      },
    };
  } catch (error) {
    await inference.close();
    throw error;
  }
}

/** By the first guide that reads the heads of the folder. @throws LLMF_CLI_NO_GUIDE */
function steeringOf({ run, heads, folder }: Inference, strength: number): Steering {
  const guides = run.container.resolveAll(GuideToken);
  for (const guide of guides) {
    const steering = guide.open(heads, strength);
    if (steering !== null) return steering;
  }
  throw cliErrors.noGuide({ folder, heads: [...heads.keys()], guides: guides.map(({ name }) => name) });
}

/** What the model's own file changes is told, and what of it is not applied. */
function sayOwnSettings(logger: Logger, flags: SamplingFlags, defaults: GenerationDefaults): void {
  const own = ownSettings(flags, defaults);
  if (own.length > 0) logger.info(`generation_config.json: ${own.join(', ')}`);
  if (defaults.unapplied.length > 0)
    logger.warn(`generation_config.json asks for what is not applied: ${defaults.unapplied.join(', ')}`);
}
