// SPDX-License-Identifier: Apache-2.0
import { parse, resolve } from 'node:path';
import {
  encodePrompt,
  ExampleTransformToken,
  type ChatExample,
  type ChosenTemplate,
  type MediaReference,
  type Message,
  type Tokenizer,
} from '@llmf/data';
import { evaluationMode, Feed, trainingHooks, type EncodedRow } from '@llmf/training';
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
  const example: ChatExample = {
    kind: 'chat',
    messages: [...systemTurn, { role: 'user', content: prompt }],
    answers: [],
    media: images.map((value) => namedByUser(value, run.folder)),
    isPlain: false,
    weight: 1,
    extras: {},
  };
  const ready = transforms.reduce((each, transform) => transform.apply(each) as ChatExample, example);
  const encoded: EncodedRow[] = [
    {
      index: 0,
      prompt: Int32Array.from(encodePrompt(tokenizer, template, ready.messages)),
      responses: [{ ids: new Int32Array(0), counted: new Uint8Array(0), role: 'response' }],
      weight: 1,
      extras: {},
      media: ready.media,
    },
  ];
  const [row] = await trainingHooks(run).rowsEncoded.promise(encoded, { split: 'other', step: 0 });
  const batch = await new Feed(run, model).collate([row!]);
  const pass = { model, ...evaluationMode(adapter) };
  return {
    ids: batch.ids,
    options: {
      positions: batch.positions,
      embedded: (embeddings) => trainingHooks(run).inputsEmbedded.call(embeddings, batch, pass),
    },
  };
}

/** A path is the user's own word; a URL is what it is. */
function namedByUser(value: string, folder: string): MediaReference {
  if (/^[a-z][a-z0-9+.-]+:/i.test(value))
    return { kind: 'image', value, folder: parse(folder).root, isNamedByUser: true };
  const path = resolve(folder, value);
  return { kind: 'image', value: path, folder: parse(path).root, isNamedByUser: true };
}
