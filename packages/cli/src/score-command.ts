// SPDX-License-Identifier: Apache-2.0
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { replaceFile, readSection } from '@llmf/core';
import {
  type Batch,
  type DroppedRow,
  type RowSet,
  batchLogProbs,
  evaluationMode,
  Feed,
  trainingHooks,
} from '@llmf/training';
import {
  DataFormatToken,
  ExampleTransformToken,
  openRows,
  vocabularyOf,
  type OpenedRows,
  dataOptionsSection,
} from '@llmf/data';
import { nonFiniteWeight, tf } from '@llmf/nn';
import { cliErrors } from './cli-errors.js';
import { Display } from './display.js';
import { openInference, type Inference, type InferenceRequest } from './inference.js';
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

/** One answer under the model. */
interface ResponseScore {
  /** Sum over the counted tokens, in nats. */
  readonly logProbSum: number;
  readonly tokens: number;
  /** With --tokens: one per counted token, in order. */
  readonly logProbs?: readonly number[];
}

/** The rows as the data plugin opened them, after the modalities. */
type ScoredRows = Omit<OpenedRows, 'rows'> & { readonly rows: RowSet };

/** Writes one line per row of the data: the log-probability of each answer, or why the row was left out. */
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
async function openScoredRows(
  { run, folder, tokenizerFolder }: Inference,
  notice: (line: string) => void,
): Promise<ScoredRows> {
  const options = readSection(run.config, dataOptionsSection);
  const opened = await openRows({
    source: options.train[0]!,
    folder: run.folder,
    tokenizerFolder,
    template: options.template,
    systemPrompt: options.systemPrompt,
    formats: run.container.resolveAll(DataFormatToken),
    transforms: run.container.resolveAll(ExampleTransformToken),
    vocabulary: await vocabularyOf(folder),
    notice,
  });
  return { ...opened, rows: await trainingHooks(run).datasetReady.promise(opened.rows, { split: 'score' }) };
}

async function writeScores(
  output: string,
  inference: Inference,
  { rows }: ScoredRows,
  withTokens: boolean,
  onProgress: (done: number) => void,
): Promise<void> {
  const feed = new Feed(inference.run, inference.model.vocabularySize);
  const leftOut = new LeftOutRows(rows.dropped);
  await replaceFile(output, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      let done = 0;
      for await (const batch of feed.sweep(rows)) {
        for (const [index, scores] of await scoreBatch(inference, batch, withTokens)) {
          const { row } = rows.placeOf(index);
          await checkScores(inference, row, scores);
          await leftOut.writeBefore(file, row);
          await file.write(`${JSON.stringify({ row, ...scores })}\n`);
        }
        onProgress((done += batch.groups));
      }
      await leftOut.writeBefore(file, Infinity);
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
  { model, adapter, run }: Inference,
  batch: Batch,
  withTokens: boolean,
): Promise<Map<number, Record<string, ResponseScore>>> {
  const logProb = tf.tidy(
    () =>
      batchLogProbs(model, batch, { stats: [], span: 'response' }, evaluationMode(adapter), trainingHooks(run)).logProb,
  );
  const values = await logProb.data(); // [S]
  logProb.dispose();
  const perResponse = batch.responses.role.map((): number[] => []);
  for (const [index, response] of batch.response.entries()) perResponse[response]!.push(values[index]!);
  const rows = new Map<number, Record<string, ResponseScore>>();
  for (const [response, logProbs] of perResponse.entries()) {
    const rowIndex = batch.rowIndices[batch.responses.group[response]!]!;
    const role = batch.responses.role[response]!;
    const sum = logProbs.reduce((total, value) => total + value, 0); // double precision
    const score = { logProbSum: sum, tokens: logProbs.length, ...(withTokens ? { logProbs } : {}) };
    rows.set(rowIndex, { ...rows.get(rowIndex), [role]: score });
  }
  return rows;
}

/** @throws LLMF_CLI_SCORE_NOT_FINITE */
async function checkScores(
  { model, adapter }: Inference,
  row: number,
  scores: Readonly<Record<string, ResponseScore>>,
): Promise<void> {
  const wrong = Object.values(scores).find(({ logProbSum }) => !Number.isFinite(logProbSum));
  if (wrong === undefined) return;
  const weight = await nonFiniteWeight(model, adapter);
  throw cliErrors.scoreNotFinite({ row, got: wrong.logProbSum, weight });
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
      await file.write(`${JSON.stringify({ row: number, dropped: reason })}\n`);
    }
  }
}
