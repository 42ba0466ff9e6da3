// SPDX-License-Identifier: Apache-2.0
import { token, type Run, section } from '@llmf/core';
import type { Model, Positions, Segment } from '@llmf/nn';

/**
 * text: plain pieces for pretraining; single: prompt and one answer; pair: chosen and rejected; labelled: one answer, good
 * or bad; group: several scored answers; prompt: a prompt that is still to be answered; classified: a text with its labels;
 * similar: texts of one meaning, and others of another.
 */
export const standardRowKinds = [
  'text',
  'single',
  'pair',
  'labelled',
  'group',
  'prompt',
  'classified',
  'similar',
] as const;
export type StandardRowKind = (typeof standardRowKinds)[number];
/** A kind of row by name: one of the standard ones, or one that a data plugin brings. */
export type RowKind = StandardRowKind | (string & {});

/**
 * `chosen`/`rejected` in a pair, `desirable`/`undesirable` when labelled, else `response`. `contrast` is the chosen
 * answer behind other media, which a modality adds to a packed batch where a loss needs it; no row of the data has it.
 * `mismatched` is the answer of another row, which training adds where a loss needs it. Similar rows have an `anchor`, a
 * `positive` and any number of `negative` texts.
 */
export type ResponseRole =
  | 'response'
  | 'chosen'
  | 'rejected'
  | 'desirable'
  | 'undesirable'
  | 'contrast'
  | 'mismatched'
  | 'anchor'
  | 'positive'
  | 'negative';

/** One answer: token ids and which of them the loss counts. */
export interface EncodedResponse {
  readonly ids: Int32Array;
  /** 1 where the token is trained on; same length as `ids`. */
  readonly counted: Uint8Array;
  readonly role: ResponseRole;
  /** Numbers of this answer: a reward, a rank. */
  readonly extras?: Readonly<Record<string, number>>;
  /** Numbers of each of its tokens: advantages, log-probs when it was sampled; same length as `ids`. */
  readonly tokenExtras?: Readonly<Record<string, Float32Array>>;
}

/** One row, tokenized and truncated: a prompt and the answers that branch off it (a chat with loss masks is one response). */
export interface EncodedRow {
  /** 0-based place in the split after filtering; stable, used for caches and reports. */
  readonly index: number;
  readonly prompt: Int32Array;
  readonly responses: readonly EncodedResponse[];
  /** Weight of the row in the loss. */
  readonly weight: number;
  /** Numeric columns that a loss or plugin asked for (margin, score, …). */
  readonly extras: Readonly<Record<string, number>>;
  /** What a classified row is labelled with, in the form that `DataRequest.labels` asked for. */
  readonly labels?: Float32Array;
  /** Media references of the row, opaque to everyone but the modality that reads them. */
  readonly media: readonly unknown[];
  /** Position ids of prompt and answers where they are not 0, 1, 2, …; set by a modality. */
  readonly positions?: unknown;
}

/** A row's place in the user's data. */
export interface RowPlace {
  /** File, relative to the run's folder where it lies in it. */
  readonly source: string;
  /** 1-based row number in that file. */
  readonly row: number;
}

export interface DroppedRow extends RowPlace {
  readonly action: 'dropped' | 'truncated';
  readonly reason: string;
}

/** What a prompt row was before it became tokens: what rewards read. */
export interface RowSource {
  /** The user's own columns by name, but bytes. */
  readonly columns: Readonly<Record<string, unknown>>;
  /** The prompt as turns, which another model's template can write; null for rows of token ids. */
  readonly chat: RowChat | null;
}

export interface RowChat {
  readonly system?: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly tools?: readonly unknown[];
  /** A plain string: without a template it is used as it stands. */
  readonly isPlain: boolean;
}

/** Tokens of the run's rows as text. */
export interface RowText {
  /** Without special tokens, unless they are wanted. */
  decode(ids: ArrayLike<number>, options?: { readonly specialTokens?: boolean }): string;
  /** Tokens of a plain text, behind the one with which the tokenizer begins a text, if there is one. */
  encode(text: string): Int32Array;
  /** Tokens at which an answer ends. */
  readonly endIds: readonly number[];
  /** Highest id + 1. */
  readonly size: number;
  /** Token that stands for a hidden one, such as `[MASK]`; null where the tokenizer has none. */
  readonly maskId: number | null;
  /** Does a token go on with the word before it? */
  continuesWord(id: number): boolean;
  /** Special tokens, such as `[CLS]` and `[SEP]`. */
  readonly specialIds: ReadonlySet<number>;
  /** The token of this very text; null where it is none. */
  idOf(text: string): number | null;
}

/** Chats as another model reads them, by the tokenizer and template of its folder. */
export interface ChatReader {
  /** The tokens of a row in training: the prompt, and the answer with the end of its turn. */
  read(chat: RowChat, answer: string): Pick<EncodedRow, 'prompt' | 'responses'>;
}

/** A split that can be read by index, whatever its size on disk. */
export interface RowSet {
  readonly length: number;
  rows(indices: readonly number[]): Promise<EncodedRow[]>;
  /** Tokens of row i as stored (prompt + all answers), without reading the row again. */
  tokensOf(index: number): number;
  /** Tokens of row i's prompt with its longest answer: what `maxLength` limits. */
  longestOf(index: number): number;
  /** Where row i came from. */
  placeOf(index: number): RowPlace;
  /** What row i was in its file; kept for prompt rows alone. @throws for rows of other kinds */
  source(index: number): RowSource;
  /** Changes with the text, tokenizer, template, truncation; not with learning rates or order. */
  readonly fingerprint: string;
  readonly dropped: readonly DroppedRow[];
  close(): Promise<void>;
}

/**
 * What the rows of kind `classified` say of themselves, and how: `class`: the number of one name, [1]; `classes`: 1 for
 * each name that holds, [names]; `numbers`: as they are, [outputs]; `words`: of each token of the text the number of its
 * word's name where a word begins, else `noLabel`, [tokens].
 */
export interface LabelRequest {
  readonly form: 'class' | 'classes' | 'numbers' | 'words';
  /** In the order of their numbers; none for numbers. */
  readonly names: readonly string[];
}
/** PyTorch's `ignore_index`. */
export const noLabel = -100;

export interface DataRequest {
  readonly rows: RowKind;
  /** How labels become numbers; for rows of kind `classified`. */
  readonly labels?: LabelRequest;
  /** Entries of the data that are of this task alone; left out: those of none. */
  readonly task?: string;
  /** Numeric columns wanted beside the text. */
  readonly columns?: readonly string[];
  /** Tokens the model was made for. */
  readonly contextLength?: number;
  /** Prompts are whole texts, which an encoder reads: they end as the tokenizer ends a text. */
  readonly wholePrompts?: boolean;
}

/** Tokens of a row where the config leaves it open: 1,024, or fewer where the model sees fewer. */
export const defaultMaxLength = (contextLength = Infinity): number => Math.min(1024, contextLength);

/** What of a model decides how rows are packed: see `Model.decoderStart`. */
export type RowLayout = Pick<Model, 'decoderStart'>;

/** Which rows an optimizer step trains on: a pure function of the step, so that a run resumes anywhere. */
export interface Sampler {
  readonly stepsPerEpoch: number;
  /** Row indices of step `step` (1-based), in order; the last step of an epoch may hold fewer. */
  indices(step: number): readonly number[];
}

export interface SamplerOptions {
  readonly rows: RowSet;
  readonly rowsPerStep: number;
}

/** What others may read of `data:` in the config. */
export const dataSection = section<{ readonly maxLength?: number; readonly tokenizer?: string | null }>(
  'data',
  '@llmf/data',
);

/** What goes through the model at once, at most; null: no limit. */
export interface PassLimits {
  readonly rows: number | null;
  /** As they are packed. */
  readonly tokens: number | null;
}

/** Provided by the data plugin. */
export interface DataService {
  open(run: Run, request: DataRequest): Promise<{ train: RowSet; eval: RowSet | null }>;
  /** Every label of the training rows once, sorted, as text; each word's where the rows hold words. */
  labels(run: Run, task?: string): Promise<readonly string[]>;
  /** Writes data-report.jsonl: what became of the rows of both splits, as the taps of `datasetReady` left them. */
  report(run: Run, splits: { readonly train: RowSet; readonly eval: RowSet | null }, task?: string): Promise<void>;
  sampler(run: Run, options: SamplerOptions): Sampler;
  /** Cuts rows, in order, into the fewest passes within the limits, about equally long; a row beyond them goes alone. */
  passes(run: Run, rows: readonly EncodedRow[], limits: PassLimits, layout?: RowLayout): EncodedRow[][];
  /**
   * Packs rows into one batch for a model of that layout (left out: a decoder's); pure. The data section's `promptOnce`
   * decides the form of pairs.
   */
  collate(run: Run, rows: readonly EncodedRow[], layout?: RowLayout): Batch;
  /** How the run's tokens read; null where its rows are token ids and there is no tokenizer. */
  text(run: Run): Promise<RowText | null>;
  /** How the model of another folder reads chats. @param template as `data.template`; `auto`: the folder's own */
  reader(run: Run, folder: string, template: string): Promise<ChatReader>;
  /** Do ids mean the same tokens to the run and to a folder? One without a tokenizer has nothing to say against it. */
  sharesVocabulary(run: Run, folder: string): Promise<boolean>;
  /** Puts into the folder of a finished model or adapter what its rows were read with: tokenizer, template, end tokens. */
  companions?(run: Run, folder: string): Promise<void>;
}
export const DataServiceToken = token<DataService>('data-service', '@llmf/data');

/**
 * One packed microbatch, no padding: T tokens, S counted target tokens, R responses, G groups (rows of the stage).
 * Row `rows[s]` of the hidden states predicts token `targets[s]`, which belongs to response `response[s]`.
 */
export interface Batch {
  readonly ids: Int32Array; // [T]
  readonly segments: readonly Segment[];
  readonly positions: Positions;
  readonly rows: Int32Array; // [S]
  readonly targets: Int32Array; // [S]
  readonly response: Int32Array; // [S], ascending
  /** Prompt tokens as targets, once per group, for losses with `span: 'all'`. */
  readonly prompt: { readonly rows: Int32Array; readonly targets: Int32Array; readonly group: Int32Array }; // [P]
  readonly responses: {
    readonly group: Int32Array; // [R]
    readonly role: readonly ResponseRole[]; // [R]
    readonly tokens: Int32Array; // [R] counted tokens
    readonly weight: Float32Array; // [R]
    /** Place of the answer's first own token in the packed row, and how many there are. */
    readonly start: Int32Array; // [R]
    readonly length: Int32Array; // [R]
    readonly extras: Readonly<Record<string, Float32Array>>; // each [R]
  };
  readonly tokenExtras: Readonly<Record<string, Float32Array>>; // each [S]
  readonly groups: number;
  /** `EncodedRow.index` per group. */
  readonly rowIndices: Int32Array; // [G]
  readonly extras: Readonly<Record<string, Float32Array>>; // each [G]
  /** Those of the rows, one after the other, where they have any. */
  readonly labels?: Float32Array;
  readonly media: readonly unknown[];
  /** Real tokens, a shared prompt counted once per answer. */
  readonly tokens: number;
}

export interface CollateOptions extends RowLayout {
  /** false: every answer carries its own copy of the prompt (the two-row form). */
  readonly promptOnce: boolean;
}
