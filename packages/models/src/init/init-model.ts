// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entriesIfThere, makeFolder, fromFloat32, normals, streamSafetensors, writeFolderAtomic } from '@llmf/core';
import { transposed, type Architecture, type WeightInfo } from '@llmf/nn';
import { modelErrors } from '../errors.js';
import { copyCompanions } from '../files/companion-files.js';
import { checkedConfig, readJson } from '../files/model-config.js';

export interface InitRequest {
  /** config.json of the new model: its path, or its content. */
  readonly config: string | Record<string, unknown>;
  /** Folder whose tokenizer files the model gets. */
  readonly tokenizerFolder: string;
  /** Key of the weights: same seed, same bits. */
  readonly seed: number;
  readonly dtype?: 'F32' | 'F16' | 'BF16';
  readonly find: (modelType: string) => Architecture;
}

export interface InitReport {
  readonly modelType: string;
  readonly parameters: number;
  /** Tokenizer and template files that were copied. */
  readonly copied: readonly string[];
}

/**
 * Makes a model folder with random weights, as Transformers starts them: matrices normal with the config's
 * `initializer_range` (GPT-2's residual outputs scaled by 1/√(2·layers)), biases 0, norms 1.
 * @throws LLMF_MODELS_VOCABULARY when the tokenizer knows ids beyond the embeddings, LLMF_MODELS_TOKENIZER_MISSING,
 * LLMF_MODELS_CONFIG_…, LLMF_CORE_FOLDER_IN_USE
 */
export async function initModel(folder: string, request: InitRequest): Promise<InitReport> {
  const { tokenizerFolder, seed, dtype = 'F32', find } = request;
  const file = typeof request.config === 'string' ? request.config : 'config';
  const content = typeof request.config === 'string' ? await readJson(request.config) : request.config;
  const config = checkedConfig(file, content);
  const weights = find(config.model_type).weights(config);
  await checkVocabulary(tokenizerFolder, weights);
  const range = typeof config['initializer_range'] === 'number' ? config['initializer_range'] : 0.02;
  const tensors = [...weights].map(([name, info]) => ({
    name,
    dtype,
    shape: info.transposedOnDisk === true ? info.shape.toReversed() : info.shape,
    data: () => fromFloat32(initialValues(name, info, range, seed), dtype),
  }));
  let copied: string[] = [];
  makeFolder(dirname(folder));
  await writeFolderAtomic(folder, async (temporary) => {
    copied = await copyCompanions(tokenizerFolder, temporary);
    await streamSafetensors(join(temporary, 'model.safetensors'), tensors);
    await writeFile(join(temporary, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  });
  const parameters = [...weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { modelType: config.model_type, parameters, copied };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** As stored on disk. */
function initialValues(name: string, info: WeightInfo, range: number, seed: number): Float32Array {
  const size = sizeOf(info.shape);
  if (info.init !== 'normal') return new Float32Array(size).fill(info.init === 'ones' ? 1 : 0);
  const deviation = range * (info.initScale ?? 1);
  const values = normals({ seed, stream: 'init', step: 0, microbatch: 0 }, name, size).map(
    (value) => value * deviation,
  );
  return info.transposedOnDisk === true ? transposed(values, info.shape[0]!, info.shape[1]!) : values;
}

/** The tokenizer's largest id must have an embedding; the embedding table is the first weight of every architecture. */
async function checkVocabulary(tokenizerFolder: string, weights: ReadonlyMap<string, WeightInfo>): Promise<void> {
  const names = await entriesIfThere(tokenizerFolder);
  const tokenizer = join(tokenizerFolder, 'tokenizer.json');
  if (!names.includes('tokenizer.json')) throw modelErrors.tokenizerMissing({ folder: tokenizerFolder, found: names });
  const tokens = tokenCount((await readJson(tokenizer)) as TokenizerFile);
  const table = [...weights.values()].find(({ kind }) => kind === 'embedding');
  const vocabulary = table!.shape[0]!;
  if (tokens > vocabulary) throw modelErrors.vocabulary({ tokenizer, tokens, vocabulary });
}

interface TokenizerFile {
  readonly model?: { readonly vocab?: Readonly<Record<string, number>> | readonly unknown[] };
  readonly added_tokens?: readonly { readonly id: number }[];
}

/** One more than the largest id of a tokenizer.json; Unigram vocabularies are lists, the others map tokens to ids. */
function tokenCount({ model, added_tokens: added = [] }: TokenizerFile): number {
  const vocab = model?.vocab ?? {};
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab as Record<string, number>);
  return [...ids, ...added.map(({ id }) => id)].reduce((most, id) => Math.max(most, id), -1) + 1;
}
