// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';
import type { Architecture, Model, EmbeddingLayer, OtherWeights, Parameter, WeightSource } from '../contracts/model.js';
import { CausalModel, type Decoder } from './causal-model.js';
import { ModelParts } from './model-parts.js';
import { configRemarks, readConfig, type ConfigSchema } from './read-config.js';
import { WeightRecorder } from './weight-recorder.js';

/** What a causal language model consists of. */
export interface CausalTree {
  readonly decoder: Decoder;
  readonly head: Model['head'];
  readonly contextLength: number;
  /** Of an encoder–decoder: the token with which every answer begins. */
  readonly decoderStart?: number;
}

/** A family of checkpoints: the keys of its config, and the module tree that a config asks for. */
export interface CausalFamily<Schema extends ConfigSchema> {
  readonly modelType: string;
  readonly description: string;
  readonly config: Schema;
  /** Paths of the decoder, which files of the bare decoder leave out (empty: it has none), and of the head. */
  readonly paths: {
    readonly decoder: string;
    readonly head: string;
    /** Of other modules beside the decoder. */
    readonly beside?: readonly string[];
  };
  /** The architecture's. */
  readonly classifierHead?: Architecture['classifierHead'];
  /** The architecture's. */
  readonly moduleNames?: Architecture['moduleNames'];
  /** Other spellings of keys of the config → those of the schema. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Other names of weights in files: what matches is replaced. */
  readonly renames?: readonly (readonly [RegExp, string])[];
  /** Keys of buffers that files carry along and that are no weights. */
  readonly buffers?: RegExp;
  /** The config as the names of a file's weights complete it, where the config alone does not say which there are. */
  completed?(config: Record<string, unknown>, has: (weight: string) => boolean): Record<string, unknown>;
  /** Asks for the parts in the order of the file; computes nothing, since the same tree is built without values. */
  build(config: z.output<Schema>, decoder: ModelParts, head: ModelParts, root: ModelParts): CausalTree;
}

/**
 * The architecture of a family. Names, shapes and order of weights, the blocks and what is tied are those of the tree.
 * @throws LLMF_NN_CONFIG_VALUE, LLMF_NN_UNSUPPORTED, and what `build` of the family throws
 */
export const causalArchitecture = <Schema extends ConfigSchema>(family: CausalFamily<Schema>): Architecture =>
  architectureOf(family, {});

/** The same of an encoder, whose tokens see all of their sequence. */
export const encoderArchitecture = <Schema extends ConfigSchema>(family: CausalFamily<Schema>): Architecture =>
  architectureOf(family, { isEncoder: true });

function architectureOf<Schema extends ConfigSchema>(
  family: CausalFamily<Schema>,
  facts: Pick<Model, 'isEncoder'>,
): Architecture {
  const {
    modelType,
    description,
    config: schema,
    aliases = {},
    paths,
    renames = [],
    buffers,
    classifierHead,
    moduleNames,
  } = family;
  const spelt = (input: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(input).map(([key, value]) => [aliases[key] ?? key, value]));
  const treeOf = (input: Record<string, unknown>, source: WeightSource) => {
    const parts = new ModelParts(source);
    const config = readConfig(schema, modelType, spelt(input));
    return { parts, ...family.build(config, parts.at(paths.decoder), parts.at(paths.head), parts) };
  };
  const weights = (input: Record<string, unknown>) => {
    const recorder = new WeightRecorder();
    treeOf(input, recorder);
    return recorder.weights;
  };
  const build = (input: Record<string, unknown>, source: WeightSource, other?: OtherWeights): Model => {
    const { parts, decoder, head, ...tree } = treeOf(input, source);
    const own = {
      modelType,
      config: input,
      ...tree,
      ...(classifierHead && { classifierHead }),
      ...(moduleNames && { moduleNames }),
    };
    const over = (others: OtherWeights) =>
      build(resizedConfig(input, parts, others), sourceOver(parts.parameters, others), others);
    return new CausalModel(parts, decoder, {
      ...own,
      ...facts,
      head: other?.head?.(head) ?? head,
      headPath: head.path ?? paths.head,
      over,
    });
  };
  return {
    name: modelType,
    description,
    headPath: paths.head,
    ...(classifierHead && { classifierHead }),
    ...(moduleNames && { moduleNames }),
    weights,
    blocks: (input) => treeOf(input, new WeightRecorder()).parts.blocks,
    tied: (input) => treeOf(input, new WeightRecorder()).parts.tied,
    build: (input, source) => build(input, source),
    renameWeight(key) {
      if (buffers?.test(key) === true) return null;
      const name = renames.reduce((before, [pattern, after]) => before.replace(pattern, after), key);
      const isWhole = [paths.decoder, paths.head, ...(paths.beside ?? [])].some((path) => name.startsWith(`${path}.`));
      return isWhole || paths.decoder === '' ? name : `${paths.decoder}.${name}`;
    },
    remarks: (input) => configRemarks(schema, spelt(input)),
    ...(family.completed === undefined ? {} : { completed: family.completed }),
  };
}

/** A model's weights, but for those that others replace. */
const sourceOver = (own: ReadonlyMap<string, Parameter>, others: OtherWeights): WeightSource => ({
  take(name) {
    const parameter = own.get(name)!;
    const value = others.weight(name) ?? parameter.value;
    return value === parameter.value ? parameter : { ...parameter, shape: value.shape, value };
  },
  ...(others.embedding && { inPlaceOf: (table: EmbeddingLayer) => others.embedding!(table) }),
});

/** The config of a model whose table of tokens has another number of rows. */
function resizedConfig(
  config: Record<string, unknown>,
  { embeddings }: ModelParts,
  others: OtherWeights,
): Record<string, unknown> {
  const [tokens] = embeddings.values();
  const rows = tokens && others.weight(`${tokens.path}.weight`)?.shape[0];
  return rows === undefined || rows === tokens!.count ? config : { ...config, vocab_size: rows };
}
