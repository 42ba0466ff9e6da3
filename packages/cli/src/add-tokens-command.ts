// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { refuseWeights } from '@llmf/core';
import { addTokens, newTokens, Tokenizer, type NewToken } from '@llmf/data';
import { grownModel } from '@llmf/models';
import { ArchitectureToken, ModelLoaderToken } from '@llmf/nn';
import { checkFiles, loadModel } from '@llmf/training';
import { cliErrors } from './cli-errors.js';
import { classifierOf, openInference, type Inference } from './inference.js';
import type { CliIo } from './io.js';

export interface AddTokensFlags {
  readonly model: string;
  readonly token: readonly string[];
  readonly special?: boolean;
  readonly output: string;
  readonly plugin?: readonly string[];
}

/** Writes a model folder with more tokens, and reads it again before it appears. */
export async function addTokensCommand(
  io: CliIo,
  { model, token: texts, special = false, output: given, plugin: plugins = [] }: AddTokensFlags,
): Promise<void> {
  const output = resolve(io.folder, given);
  await refuseWeights(output);
  const request = { model, backend: 'js', precision: 'f32', plugins, settings: [], command: 'llmf add-tokens' };
  const quiet = { info: () => {}, warn: () => {} }; // of a backend that only loads, what products would cost is no news
  const inference = await openInference(io, request, quiet);
  try {
    const tokens = await newTokens(inference.folder, texts);
    const rows = await save(inference, tokens, special, output);
    const ids = tokens.map(({ id, text }) => `${text} is ${id}`).join(', ');
    io.out.write(`${ids}; ${rows} rows of embeddings: ${given}\n`);
  } finally {
    await inference.close();
  }
}

/** How many rows the embeddings have. @throws LLMF_CLI_TOKEN_READ_BACK */
async function save(
  inference: Inference,
  tokens: readonly NewToken[],
  special: boolean,
  output: string,
): Promise<number> {
  const { engine, run, folder, heads } = inference;
  const hasHead = classifierOf(inference) === null;
  const model = hasHead ? inference.model : await loadModel(run, folder, { withoutHead: true });
  const grown = await grownModel(model, engine.find(ArchitectureToken, model.modelType), {
    known: tokens[0]!.id,
    count: tokens.length,
  });
  const verify = async (written: string) => {
    await checkFiles(run);
    await readBack(inference, tokens, written);
  };
  const companions = (written: string) => addTokens(written, tokens, special);
  const options = { source: folder, dtype: 'auto', companions, heads: [...heads.values()], verify } as const;
  try {
    await run.container.resolve(ModelLoaderToken).save(grown.model, output, options);
  } finally {
    grown.dispose();
    if (!hasHead) model.dispose();
  }
  return grown.rows;
}

/** Each token is one, and the model loads. @throws LLMF_CLI_TOKEN_READ_BACK */
async function readBack({ run }: Inference, tokens: readonly NewToken[], written: string): Promise<void> {
  const tokenizer = await Tokenizer.load(written);
  const lost = tokens.find(({ id, text }) => tokenizer.encode(text).join() !== String(id));
  if (lost !== undefined) {
    const got = tokenizer.encode(lost.text).join(', ');
    throw cliErrors.tokenReadBack({ token: lost.text, id: lost.id, got });
  }
  (await loadModel(run, written)).dispose();
}
