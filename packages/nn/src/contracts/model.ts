// SPDX-License-Identifier: Apache-2.0
import {
  type HostTensor,
  type MapFile,
  type Named,
  type OptionsSchema,
  type RandomKey,
  token,
  section,
} from '@llmf/core';
import type { AttentionSpan } from './ops.js';
import type { Positions, Segment } from './segments.js';
import type { AttachedHead } from '../heads/head.js';
import type { Head, SavedHeads } from './head.js';
import type { ChosenFormat } from './weight-format.js';
import type { LayoutWriter } from './weight-layout.js';
import type { Scalar, Tensor1D, Tensor2D, Tensor3D, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LowRank } from './low-rank.js';

/** One named weight of a model: a trainable variable or a frozen tensor (possibly packed, read by kernels that know it). */
export interface Parameter {
  /** The safetensors key, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly trainable: boolean;
  /** The variable, or the frozen tensor. */
  readonly value: Tensor | Variable;
}

/** A linear layer as adapters see it: y = x Wᵀ + b, W is [outputs, inputs]. */
export interface LinearLayer {
  /** Module path without `.weight`, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: Tensor2D;
  readonly bias: Tensor1D | null;
}

/** A table of embeddings as adapters see it: row `id` of [count, size]. */
export interface EmbeddingLayer {
  /** Module path without `.weight`, e.g. `model.embed_tokens`. */
  readonly path: string;
  readonly count: number;
  readonly size: number;
  /** What a tied head reads; not what `forward` gives where a low-rank update is added to it. */
  readonly weight: Tensor2D;
  /** ids [T] → [T, size] */
  forward(ids: Int32Array | Tensor1D): Tensor2D;
}

/** The layers of one expert of a mixture: down(act(gate(x)) ∘ up(x)). */
export interface ExpertLayers<Layer = LinearLayer> {
  readonly gate: Layer; // [F, C]
  readonly up: Layer; // [F, C]
  readonly down: Layer; // [C, F]
}

/** The adapter that is active in a forward pass. It travels in the context, never as model state. */
export interface ActiveAdapter {
  /** Declared fact: the layer's adapter is low-rank additive. */
  lowRank(path: string): LowRank | null;
  /** For adapters of another form: transforms the layer's output y [T, outputs] given its input x [T, inputs]. */
  transform?(layer: LinearLayer, x: Tensor2D, y: Tensor2D, context: ForwardContext): Tensor2D;
  /** Changes a layer's input x [T, inputs] before all else. */
  transformInput?(layer: LinearLayer, x: Tensor2D, context: ForwardContext): Tensor2D;
  /** Does it change this layer? Left out: where it is low-rank, and with `transform` anywhere. */
  changes?(path: string): boolean;
  /** Prefix tuning: keys and values that come before those of a sequence's first token, in every layer. */
  readonly keysBefore?: KeysBefore;
  /** Prompt tuning: embeddings that come before those of a sequence's first token. */
  readonly virtualTokens?: VirtualTokens;
  /** Modules of its own in the place of the model's: what it trains whole, and tables of embeddings that it changes. */
  readonly replaced?: ReplacedModules;
  /**
   * Several adapters in one pass: that of each segment of the context, null for the base alone. Nothing else of this one
   * is asked then.
   */
  readonly ofSegments?: readonly (ActiveAdapter | null)[];
}

export interface ReplacedModules {
  /** The model with these modules; all others are the model's own. */
  readonly model: Model;
  /** Are some of them between the tokens' embeddings and the head? Then other adapters cannot share its pass. */
  readonly areBetween: boolean;
}

export interface KeysBefore {
  /** How many there are; positions of the sequence's own tokens count on from them. */
  readonly length: number;
  /** For attention layer `layer`, [length, G, D] each, as attention takes them: positions have been applied. */
  of(layer: number): { readonly keys: Tensor3D; readonly values: Tensor3D };
}

export interface VirtualTokens {
  readonly length: number;
  /** [length, C]; computed in every pass, so that what they come from is trained. */
  embeddings(): Tensor2D;
}

/**
 * Keys and values of the tokens that earlier passes have seen, of any number of sequences; spans and rows are those of
 * a row that holds, before the first token of each sequence, what its adapter puts there.
 */
export interface KeyValueCache {
  /** What the queries of this pass see among the keys that `append` gives. */
  readonly spans: readonly AttentionSpan[];
  /** Files keys and values [T, G, D] of this pass's tokens; gives all that are held, [capacity, G, D], the cache's own. */
  append(layer: number, keys: Tensor3D, values: Tensor3D): { keys: Tensor3D; values: Tensor3D };
  /** The same of an encoder's tokens, which the decoder's queries see by cross attention. */
  readonly across?: SourceCache;
}

export interface SourceCache extends KeyValueCache {
  /** All that a layer holds, where a pass brings nothing new. */
  held(layer: number): { keys: Tensor3D; values: Tensor3D };
}

/** Everything a forward pass depends on besides weights and tokens. */
export interface ForwardContext {
  readonly segments: readonly Segment[];
  readonly positions: Positions;
  readonly adapter: ActiveAdapter | null;
  /** Training: dropout is active. */
  readonly training: boolean;
  /** Key of this pass's random numbers (dropout masks): same key, same numbers, also when recomputed. */
  readonly randomKey: RandomKey;
  /**
   * Place of the pass's first token among the tokens that share its key, default 0: masks are those of a step's tokens,
   * however the step is cut into passes.
   */
  readonly firstToken?: number;
  readonly cache?: KeyValueCache;
  /** Recompute blocks in the backward pass instead of keeping their activations. */
  readonly gradientCheckpointing: boolean;
  /**
   * Takes a loss of the model's own (a router's balance): the sum over the pass's tokens, weighted as the config says.
   * It becomes a part of the objective, averaged over the tokens of the step, under this name.
   */
  readonly auxiliary?: (name: string, sum: Scalar) => void;
  /** Added to the hidden states behind the first blocks, one each, [T, C] (Qwen3-VL's features of pictures). */
  readonly addedAfterBlocks?: readonly Tensor2D[];
  /** Takes the probabilities [T, E] of a router and the experts [T · k] that were chosen by them: see `RouterBalance`. */
  readonly routed?: (probabilities: Tensor2D, chosen: Tensor1D) => void;
}

/** What an adapter adds to the head's weight: logits += scale · (dropout(h) Aᵀ) Bᵀ. */
export interface HeadUpdate {
  /** The head's module path: dropout draws by it. */
  readonly path: string;
  readonly a: Tensor2D; // [rank, C]
  readonly b: Tensor2D; // [vocabulary, rank]
  readonly scale: number;
  readonly dropout: number;
}

/** Turns hidden states into logits: h Wᵀ + b, perhaps softly capped. */
export interface LanguageHead {
  /** Module path, e.g. `lm_head`, also where the weight is the table of embeddings. */
  readonly path?: string;
  /** [vocabulary, C]; may be the embedding table. */
  readonly weight: Tensor2D;
  readonly bias: Tensor1D | null;
  /** c > 0: logits z become c · tanh(z / c) (Gemma 2); left out: they stay. */
  readonly softCap?: number;
  /** What hidden states [T, C] go through first (BERT's dense layer and norm); left out: nothing. */
  transform?(hidden: Tensor2D, context: ForwardContext): Tensor2D;
  /** Left out: nothing is added to the weight. It is read together with `transform`, in the same scope. */
  update?(): HeadUpdate;
}

/** The modules of a model, to be built again over other weights. */
export interface ModuleTree {
  /** What each weight is, by name. */
  readonly weights: ReadonlyMap<string, WeightInfo>;
  /** Tables of embeddings by path, that of the tokens first. */
  readonly embeddings: ReadonlyMap<string, EmbeddingLayer>;
  /** Module path of the language-model head, also where its weight is the table of the tokens. */
  readonly headPath: string;
  /** The same modules; weights and tables that the source does not give are this model's own. */
  over(source: OtherWeights): Model;
}

/** What is read in the place of some of a model's weights. */
export interface OtherWeights {
  weight(name: string): Tensor | undefined;
  /** In the place of a table of embeddings, which has the weight of above already. */
  embedding?(table: EmbeddingLayer): EmbeddingLayer;
  /** In the place of the language-model head. */
  head?(head: LanguageHead): LanguageHead;
}

/** A language model (or the language half of a vision-language model); causal unless it says otherwise. */
export interface Model {
  readonly modelType: string;
  /** The checkpoint's config.json, every key kept. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** Every linear layer but the language-model head, in forward order. */
  readonly linears: ReadonlyMap<string, LinearLayer>;
  /** Left out: adapters cannot train modules of it whole, nor tables of embeddings. */
  readonly tree?: ModuleTree;
  /** Changes the logits of any head that reads this model (a temperature); left out: they are the head's. */
  reads?(head: LanguageHead): LanguageHead;
  /** Those of experts, by the path of all of them: Transformers stacks each kind in one parameter there. Left out: none. */
  readonly expertLayers?: ReadonlyMap<string, readonly ExpertLayers[]>;
  /** Those that a new adapter may take, where a part of the model is kept frozen; left out: all. */
  readonly targets?: ReadonlyMap<string, LinearLayer>;
  /** The architecture's. */
  readonly moduleNames?: ModuleNames;
  /** Transformer blocks' module paths in order, for freeze tuning. */
  readonly blocks: readonly string[];
  /** ids [T] → [T, C]. Ids on the host are checked against the vocabulary; those of an int32 tensor are not. */
  embed(ids: Int32Array | Tensor1D): Tensor2D;
  /** Hidden states after the final norm, [T, C]. */
  forward(embedded: Tensor2D, context: ForwardContext): Tensor2D;
  readonly head: LanguageHead;
  /** The architecture's. */
  readonly classifierHead?: Architecture['classifierHead'];
  /** An encoder: each token sees those after it too, so that it can fill in what is hidden, and not go on. */
  readonly isEncoder?: true;
  /**
   * An encoder–decoder, in which every answer begins with this token: prompts go through its encoder, answers through its
   * decoder. In a packed row both stand side by side: see `Segment.source`.
   */
  readonly decoderStart?: number;
  dispose(): void;
}

/** Which weights an adapter choice trains; asked by the loader before any weight is read. */
export interface Adapter extends Named {
  readonly options?: OptionsSchema;
  /** Peak learning rate where neither the config nor anyone else names one; left out: the stage's for adapters. */
  readonly learningRate?: number;
  /** Is this base weight trained itself? (full tuning: all; LoRA: none; freeze: some) */
  trainsBase(parameter: string, blocks: readonly string[], options: Record<string, unknown>): boolean;
  /**
   * Creates the adapter's variables on a loaded model, to be trained; null when it has none of its own. Relative paths
   * start from `folder`.
   */
  attach(
    model: Model,
    options: Record<string, unknown>,
    random: RandomKey,
    folder: string,
    tokenize?: Tokenize,
  ): Promise<AttachedAdapter | null>;
  /** Does it read adapters that say this of themselves? The content of adapter_config.json. */
  reads?(peftConfig: Readonly<Record<string, unknown>>): boolean;
  /**
   * The adapter of a PEFT folder that it reads, to be asked and not trained.
   * @param option what the user set to name the folder, for messages
   */
  load?(model: Model, folder: string, option: string): Promise<AttachedAdapter>;
}

/** Tokens of a text by the model's tokenizer; null where there is none. */
export type Tokenize = (text: string) => Promise<Int32Array | null>;

/** The weights that a layer has with an adapter put into them; the caller disposes them. */
export interface MergedLayer {
  readonly weight: Tensor2D; // [outputs, inputs]
  /** Left out: as it is. */
  readonly bias?: Tensor1D;
}

export interface AttachedAdapter extends ActiveAdapter {
  /** Trainable variables by PEFT's key, e.g. `base_model.model.<path>.lora_A.weight`. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Tensors of its file, by key, where they are not the variables; the caller disposes them. */
  saved?(): ReadonlyMap<string, Tensor>;
  /** PEFT's adapter_config.json. */
  readonly peftConfig: Readonly<Record<string, unknown>>;
  /** True while its output is exactly zero (fresh LoRA), so that policy ≡ reference is known. */
  readonly isIdentity: boolean;
  /**
   * Weights of its own in the place of the model's, by the model's names, as they stand in the model's memory; the caller
   * disposes them.
   */
  ownWeights?(): ReadonlyMap<string, Tensor>;
  /** What the layer's weights become; null where it changes nothing. Left out: it cannot be put into weights. */
  merged?(layer: LinearLayer): MergedLayer | null;
  /** Heads that its folder holds: PEFT's `modules_to_save` of a sequence classifier, or heads beside the model. */
  readonly heads?: SavedHeads;
  dispose(): void;
}

export const AdapterToken = token<Adapter>('adapter');

/** What a family's modules are called in today's Transformers, where its checkpoints call them otherwise. */
export interface ModuleNames {
  /** A module's path here → in Transformers: `model.layers.0` → `model.language_model.layers.0`. */
  toTransformers(path: string): string;
  /** A path of any Transformers → the path here. */
  fromTransformers(path: string): string;
}

/** A model family, found by the checkpoint's `model_type`. */
export interface Architecture extends Named {
  /** Builds the module tree; `weights` gives each parameter by its safetensors key. */
  build(config: Record<string, unknown>, weights: WeightSource): Model;
  /** Names and shapes of every weight a config asks for, in file order, without building anything. */
  weights(config: Record<string, unknown>): ReadonlyMap<string, WeightInfo>;
  /** Module paths of the transformer blocks, in order. */
  blocks(config: Record<string, unknown>): readonly string[];
  /** The name here of a key in a checkpoint file; null for a buffer that is no weight. Left out: the same. */
  renameWeight?(key: string): string | null;
  /** By these names adapters are written and read; left out: those of the weights. */
  readonly moduleNames?: ModuleNames;
  /** Files that llmf writes name weights by them too; left out: as here, which Transformers reads as well. */
  readonly namesWeightsAsModules?: true;
  /** How its classifiers in Transformers read hidden states, and where their layers are; left out: as `head` says. */
  classifierHead?(head: Head, hiddenSize: number): Head;
  /** Path of the language-model head: what lies below it is not a classifier's. Left out: weights of kind `head`. */
  readonly headPath?: string;
  /** Names a file may carry for a weight that is another one: `lm_head.weight` → the embedding table. */
  tied?(config: Record<string, unknown>): ReadonlyMap<string, string>;
  /** The config as the names of a file's weights (as here) complete it; left out: as it is. */
  completed?(config: Record<string, unknown>, has: (weight: string) => boolean): Record<string, unknown>;
  /** Remarks about what the config asks for without changing the forward pass (dropout, unknown keys), for a warning. */
  remarks?(config: Record<string, unknown>): readonly string[];
}
export interface WeightInfo {
  readonly shape: readonly number[];
  /** How `llmf init` fills it. */
  readonly init: 'normal' | 'zeros' | 'ones';
  /** Matrices (linear, embedding, head) may be kept in a format of frozen weights. */
  readonly kind: 'linear' | 'embedding' | 'head' | 'convolution' | 'norm' | 'bias';
  /** Of a part beside the language model, such as a vision tower: `quantization.layers: all` does not mean it. */
  readonly isBeside?: true;
  /** Kept for who reads the files, and read by no pass (an encoder's pooler): never trained, no target of adapters. */
  readonly isUnread?: true;
  /** Factor on the config's initializer_range where `init` is normal; 1 when left out. */
  readonly initScale?: number;
  /** Stored [in, out] on disk (GPT-2's Conv1D); llmf holds [out, in]. */
  readonly transposedOnDisk?: boolean;
}
export interface WeightSource {
  /** The table to be built in the place of this one; left out: itself. */
  inPlaceOf?(table: EmbeddingLayer): EmbeddingLayer;
  /** The parameter of this name, shape and kind; the loader decided on trainable or frozen and its storage. */
  take(name: string, info: WeightInfo): Parameter;
}
export const ArchitectureToken = token<Architecture>('architecture');

/** `model:` of the config. */
export const modelSection = section<{ readonly path: string; readonly maxShardSize?: string }>('model', '@llmf/models');

/** Provided by the models plugin: reads and writes Hugging Face model folders. */
export interface ModelLoader {
  /** The local folder of `path`: a folder relative to `from`, or a Hugging Face hub id, downloaded when needed. */
  locate(path: string, from: string): Promise<string>;
  load(folder: string, options: LoadOptions): Promise<Model>;
  /** Refuses what `load` would refuse of config and names, shapes and forms of weights, without reading a weight. */
  inspect(folder: string, find: LoadOptions['find']): Promise<ModelFacts>;
  /** The heads that a model folder holds, instead of its language-model head or beside it; null: none. */
  heads(folder: string): Promise<SavedHeads | null>;
  /** Those weights of a head, by their names, that a model folder's files hold: the pooler of an encoder. */
  headWeights(folder: string, names: readonly string[]): Promise<Readonly<Record<string, HostTensor>>>;
  /** Writes config.json, safetensors (sharded above 5 GB), tokenizer and template files carried along, atomically. */
  save(model: Model, folder: string, options: SaveOptions): Promise<void>;
  /** Writes a PEFT folder's files (adapter_model.safetensors, adapter_config.json), tokenizer files carried along. */
  saveAdapter(adapter: AttachedAdapter, folder: string, options: Omit<SaveOptions, 'dtype'>): Promise<void>;
  /** Puts a folder's tokenizer and templates in the place of another's, none of which stays. */
  replaceTokenFiles(from: string, to: string): Promise<void>;
  /** Hash of the folder's weights and config: what cached log-probs are keyed by, and a checkpoint belongs to. */
  fingerprint(folder: string): Promise<string>;
  /** Notes the state of the folder's weight files, before they are loaded. */
  watch(folder: string): Promise<WatchedFiles>;
}
/** Files that weights may still lie in. */
export interface WatchedFiles {
  /** Files that were replaced by equal ones are the same. @throws LLMF_MODELS_FILES_CHANGED */
  check(): Promise<void>;
}
/** What config and file headers say of a model. */
export interface ModelFacts {
  readonly parameters: number;
  /** Bytes of all weights as `load` keeps them, none of them trained: matrices in these formats, else as the files have them. */
  weightBytes(formats?: LoadOptions['formats']): number;
}
export interface LoadOptions {
  /** The formats that frozen matrices are kept in, asked once; those left out stay as their file has them. Vectors are f32. */
  readonly formats?: ((weights: ReadonlyMap<string, WeightInfo>) => ReadonlyMap<string, ChosenFormat>) | undefined;
  /** Asked once per weight; `blocks` are the module paths of the transformer blocks. */
  readonly isTrainable: (parameter: string, blocks: readonly string[]) => boolean;
  readonly find: (modelType: string) => Architecture;
  /** The backend's, where it has one: frozen weights stay in their file. */
  readonly mapFile?: MapFile | undefined;
  /** Weights that are another model's, which keeps them: they are not read again, and not to be disposed with this one. */
  readonly shared?: ReadonlyMap<string, Parameter>;
  /** Reads no weight: parameters have shape and form, which is what is known before loading. See `outlineTensor`. */
  readonly outline?: boolean;
  /** Leaves the language-model head out, where other heads read the model; asking for it is then an error. */
  readonly withoutHead?: boolean;
}
export interface SaveOptions {
  /** Folder the tokenizer files come from. */
  readonly source: string;
  /** Changes them, in the new folder before it appears. */
  readonly companions?: (folder: string) => Promise<void>;
  /** Saved with it: as Transformers' sequence classifier where one replaces the language model, else in a file beside. */
  readonly heads?: readonly AttachedHead[];
  /** Called with the folder that has all, before any of it appears; what it throws keeps it from appearing. */
  readonly verify?: (folder: string) => Promise<void>;
  readonly dtype: 'auto' | 'F32' | 'F16' | 'BF16';
  /** Largest file of weights, as `5GB` or `500 MiB`; left out: the loader's own. */
  readonly maxShardSize?: string | undefined;
  /** Keeps weights in fewer bits as they are, in this layout; left out, they are expanded. */
  readonly layout?: { readonly writer: LayoutWriter; readonly options: Readonly<Record<string, unknown>> };
  /** Of a weight, where others than the model's own are to be written: a merged layer's. Asked when its turn comes. */
  readonly values?: (name: string) => Promise<Float32Array> | null;
}
export const ModelLoaderToken = token<ModelLoader>('model-loader');
/** The run's model and its active adapter, provided once both exist. */
export const ModelToken = token<Model>('model');
export const AttachedAdapterToken = token<AttachedAdapter | null>('attached-adapter');
/** Heads of the run's model by name; none: an empty map. */
export const AttachedHeadsToken = token<ReadonlyMap<string, AttachedHead>>('attached-heads');
