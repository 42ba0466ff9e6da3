// SPDX-License-Identifier: Apache-2.0
import {
  encodePrompt,
  ExampleTransformToken,
  type ChatExample,
  type ChosenTemplate,
  type Message,
  type Tokenizer,
} from '@llmf/data';
import { evaluationMode, Feed, trainingHooks } from '@llmf/training';
import { cliErrors } from './cli-errors.js';
import type { Inference } from './inference.js';
import type { ModelPrompt } from './open-generator.js';

interface ImagePrompt {
  readonly prompt: string;
  readonly systemTurn: readonly Message[];
  /** Files, relative to the user's folder. */
  readonly images: readonly string[];
}

/**
 * A prompt with pictures goes the way of a training row: the modality's plugin writes its placeholders into the text,
 * expands them, gives the positions and replaces the embeddings, all at the hooks of the run. Without `<image>` in the
 * prompt the pictures come first.
 */
export async function promptWithImages(
  { run, model, adapter }: Inference,
  { prompt, systemTurn, images }: ImagePrompt,
  tokenizer: Tokenizer,
  template: ChosenTemplate,
): Promise<ModelPrompt> {
  const transforms = run.container.resolveAll(ExampleTransformToken);
  if (transforms.length === 0) {
    throw cliErrors.usage({
      problem: 'no loaded plugin reads pictures',
      meant: '--plugin vision',
      command: 'llmf generate',
    });
  }
  const content = prompt.includes('<image>') ? prompt : `${'<image>'.repeat(images.length)}${prompt}`;
  const example: ChatExample = {
    kind: 'chat',
    messages: [...systemTurn, { role: 'user', content }],
    answers: [],
    media: images.map((value) => ({ kind: 'image', value, folder: run.folder })),
    isPlain: false,
    weight: 1,
    extras: {},
  };
  const ready = transforms.reduce((each, transform) => transform.apply(each) as ChatExample, example);
  const [row] = await trainingHooks(run).rowsEncoded.promise([
    {
      index: 0,
      prompt: Int32Array.from(encodePrompt(tokenizer, template, ready.messages)),
      responses: [{ ids: new Int32Array(0), counted: new Uint8Array(0), role: 'response' }],
      weight: 1,
      extras: {},
      media: ready.media,
    },
  ]);
  const batch = await new Feed(run, model.vocabularySize).collate([row!]);
  const pass = { model, ...evaluationMode(adapter) };
  return {
    ids: batch.ids,
    options: {
      positions: batch.positions,
      embedded: (embeddings) => trainingHooks(run).inputsEmbedded.call(embeddings, batch, pass),
    },
  };
}
