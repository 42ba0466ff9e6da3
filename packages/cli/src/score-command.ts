// SPDX-License-Identifier: Apache-2.0
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { replaceFile, readSection } from '@llmf/core';
import {
  type Batch,
  type DroppedRow,
  type ResponseLogProbs,
  type RowSet,
  batchLogProbs,
  checkFiles,
  evaluationMode,
  Feed,
  trainingHooks,
} from '@llmf/training';
import {
  canBeRead,
  DataFormatToken,
  ExampleTransformToken,
  openRows,
  vocabularyOf,
  type OpenedRows,
  type Tokenizer,
  dataOptionsSection,
} from '@llmf/data';
import { nonFiniteWeight, tf, type Head, type Tensor } from '@llmf/nn';
import { cliErrors } from './cli-errors.js';
import { Display } from './display.js';
import { headScoresOf, type HeadScore } from './head-scores.js';
import { everyToken } from './every-token.js';
import { judgeOf, openInference, type Inference, type InferenceRequest } from './inference.js';
import type { CliIo } from './io.js';

export interface ScoreFlags extends Pick<InferenceRequest, 'model' | 'adapter' | 'precision' | 'backend'> {
  readonly plugin?: readonly string[];
  readonly template: string;
  readonly system?: string;
  readonly format?: string;
  readonly output: string;
  readonly tokens?: boolean;
  readonly batchSize: number;
}

/** One answer under a language model. */
interface LogProbScore {
  /** Sum over the counted tokens, in nats. */
  readonly logProbSum: number;
  readonly tokens: number;
  /** With --tokens: one per counted token, in order. */
  readonly logProbs?: readonly number[];
}
type ResponseScore = LogProbScore | HeadScore;

/** By role; several answers of one role under `responses`, in the order of the row. */
type RowScores = Readonly<Record<string, ResponseScore | readonly ResponseScore[]>>;

/** The rows as the data plugin opened them, after the modalities. */
type ScoredRows = Omit<OpenedRows, 'rows'> & { readonly rows: RowSet };

/** Writes one line per row of the data: the log-probability or the score of each answer, or why the row was left out. */
export async function scoreCommand(
  io: CliIo,
  data: string,
  settings: readonly string[],
  flags: ScoreFlags,
): Promise<void> {
  const display = new Display(io);
  const {
    plugin: plugins = [],
    tokens = false,
    template,
    system: systemPrompt = null,
    format,
    batchSize,
    ...request
  } = flags;
  const source = { path: data, ...(format === undefined ? {} : { format }) };
  const config = { data: { train: [source], template, systemPrompt }, train: { batchSize } };
  const more = { plugins, config, settings, settable: ['data.train.0'], command: 'llmf score' };
  const inference = await openInference(io, { ...request, ...more }, display);
  try {
    if (tokens && judgeOf(inference) !== null) throw cliErrors.tokensOfClassifier({ model: request.model });
    const opened = await openScoredRows(inference, (line) => display.info(line));
    try {
      await writeScores(resolve(io.folder, flags.output), inference, opened, tokens, (done) =>
        display.setLive(`${done}/${opened.rows.length} rows`),
      );
    } finally {
      await opened.rows.close();
    }
    display.close();
    const { length, dropped } = opened.rows;
    display.info(`${length} rows scored, ${dropped.length} left out: ${flags.output}`);
  } finally {
    display.close();
    await inference.close();
  }
}

/** Rows are never cut: a score is of the whole answer. */
async function openScoredRows(inference: Inference, notice: (line: string) => void): Promise<ScoredRows> {
  const { run, folder, tokenizerFolder } = inference;
  const options = readSection(run.config, dataOptionsSection);
  const formats = run.container.resolveAll(DataFormatToken);
  const isText = judgeOf(inference) !== null && (await canBeRead(options.train[0]!, run.folder, formats, 'classified'));
  const opened = await openRows({
    source: options.train[0]!,
    folder: run.folder,
    tokenizerFolder,
    template: options.template,
    systemPrompt: options.systemPrompt,
    formats,
    ...(isText && { wanted: 'classified' as const, maxLength: inference.model.contextLength }),
    transforms: run.container.resolveAll(ExampleTransformToken),
    vocabulary: await vocabularyOf(folder),
    wholePrompts: inference.model.decoderStart !== undefined,
    notice,
  });
  return { ...opened, rows: await trainingHooks(run).datasetReady.promise(opened.rows, { split: 'score' }) };
}

async function writeScores(
  output: string,
  inference: Inference,
  { rows, tokenizer }: ScoredRows,
  withTokens: boolean,
  onProgress: (done: number) => void,
): Promise<void> {
  const ofTokens = judgeOf(inference)?.head.at === 'token';
  const feed = new Feed(inference.run, inference.model, ofTokens ? { changes: { batch: everyToken } } : {});
  const leftOut = new LeftOutRows(rows.dropped);
  await replaceFile(output, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      let done = 0;
      for await (const batch of feed.sweep(rows)) {
        for (const [index, scores] of await scoreBatch(inference, batch, withTokens, tokenizer)) {
          const { row } = rows.placeOf(index);
          await checkScores(inference, row, scores);
          await leftOut.writeBefore(file, row);
          await file.appendFile(`${JSON.stringify({ row, ...scores })}\n`);
        }
        onProgress((done += batch.groups));
      }
      await leftOut.writeBefore(file, Infinity);
      await file.sync();
      await checkFiles(inference.run);
    } finally {
      await file.close();
    }
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw cliErrors.system({
      reason: error.message,
      path: dirname(output),
      hint: 'create the folder of --output first',
    });
  });
}

/** Scores by row index, each answer under its role. */
async function scoreBatch(
  inference: Inference,
  batch: Batch,
  withTokens: boolean,
  tokenizer: Tokenizer | null,
): Promise<Map<number, RowScores>> {
  const classifier = judgeOf(inference);
  const scores =
    classifier === null
      ? await logProbScores(inference, batch, withTokens)
      : await headScores(inference, batch, classifier.head, tokenizer);
  const { group, role } = batch.responses;
  return new Map(
    [...batch.rowIndices].map((index, g) => {
      const own = scores.flatMap((score, r) => (group[r] === g ? [[role[r]!, score] as const] : []));
      const isRanked = new Set(own.map(([name]) => name)).size < own.length;
      return [index, isRanked ? { responses: own.map(([, score]) => score) } : Object.fromEntries(own)];
    }),
  );
}

/** Of each answer of the batch, in order. */
async function logProbScores(inference: Inference, batch: Batch, withTokens: boolean): Promise<LogProbScore[]> {
  const values = await answersOf(inference, batch, ({ logProb }) => logProb); // [S]
  const perResponse = batch.responses.role.map((): number[] => []);
  for (const [index, response] of batch.response.entries()) perResponse[response]!.push(values[index]!);
  return perResponse.map((logProbs) => {
    const sum = logProbs.reduce((total, value) => total + value, 0); // double precision
    return { logProbSum: sum, tokens: logProbs.length, ...(withTokens ? { logProbs } : {}) };
  });
}

async function headScores(
  inference: Inference,
  batch: Batch,
  head: Head,
  tokenizer: Tokenizer | null,
): Promise<HeadScore[]> {
  const values = await answersOf(inference, batch, ({ heads }) => heads![head.name]!); // [R, outputs] or [S, outputs]
  return headScoresOf(values, batch, head, (id) => tokenizer?.decode([id]) ?? String(id));
}

async function answersOf(
  { model, adapter, heads, run }: Inference,
  batch: Batch,
  read: (answers: ResponseLogProbs) => Tensor,
): Promise<Float32Array> {
  const request = { stats: [], span: 'response', heads } as const;
  const tensor = tf.tidy(() => read(batchLogProbs(model, batch, request, evaluationMode(adapter), trainingHooks(run))));
  try {
    return (await tensor.data()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}

const numbersOf = (score: ResponseScore): readonly number[] =>
  'logProbSum' in score ? [score.logProbSum] : 'score' in score ? [score.score].flat() : [];

/** @throws LLMF_CLI_SCORE_NOT_FINITE */
async function checkScores({ model, adapter }: Inference, row: number, scores: RowScores): Promise<void> {
  const wrong = Object.values(scores)
    .flat()
    .flatMap(numbersOf)
    .find((value) => !Number.isFinite(value));
  if (wrong === undefined) return;
  const weight = await nonFiniteWeight(model, adapter);
  throw cliErrors.scoreNotFinite({ row, got: wrong, weight });
}

/** Rows that could not be scored, written in their place with the reason. */
class LeftOutRows {
  private readonly waiting: DroppedRow[];

  constructor(dropped: readonly DroppedRow[]) {
    this.waiting = dropped.filter(({ action }) => action === 'dropped').sort((a, b) => a.row - b.row);
  }

  async writeBefore(file: FileHandle, row: number): Promise<void> {
    while (this.waiting.length > 0 && this.waiting[0]!.row < row) {
      const { row: number, reason } = this.waiting.shift()!;
      await file.appendFile(`${JSON.stringify({ row: number, dropped: reason })}\n`);
    }
  }
}
