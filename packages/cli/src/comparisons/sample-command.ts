// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { changedKeys, isThereSync } from '@llmf/core';
import {
  DataFormatToken,
  ExampleTransformToken,
  openRows,
  sourceOptions,
  vocabularyOf,
  type RowView,
} from '@llmf/data';
import { GeneratorToken, type Completion, type GenerationSettings, type Generator as BatchGenerator } from '@llmf/nn';
import { checkFiles, type EncodedRow, type RowChat } from '@llmf/training';
import { Display } from '../display.js';
import { interruptedStatus, type CliIo } from '../io.js';
import { openGenerator, type Generator, type SamplingFlags } from '../open-generator.js';
import { upToStop } from '../text-stream.js';
import { comparisonErrors } from './comparison-errors.js';
import { LineFile } from '../line-file.js';
import type { SampledAnswer, SampleRow } from './sample-row.js';

export interface SampleFlags extends SamplingFlags {
  readonly answers: number;
  readonly output: string;
  readonly format?: string;
  readonly resume?: boolean;
}

/** Prompts that are answered together; what an answer is does not depend on it. */
const promptsTogether = 16;

/** Writes several answers to every prompt of a data file, one line a prompt, in order. Returns the exit status. */
export async function sampleCommand(
  io: CliIo,
  data: string,
  settings: readonly string[],
  flags: SampleFlags,
): Promise<number> {
  const output = resolve(io.folder, flags.output);
  const { resume = false } = flags;
  if (!resume && isThereSync(output)) throw comparisonErrors.outputExists({ file: output, command: 'llmf sample' });
  const generator = await openGenerator(io, flags, settings, 'llmf sample');
  const display = new Display(io);
  const stop = new AbortController();
  const unlisten = io.onInterrupt(() => stop.abort());
  try {
    const { rows } = await promptRows(io, data, flags, generator);
    try {
      const file = await LineFile.open(output);
      try {
        const sampling = samplingOf(flags, generator);
        const done = keptRows(output, file, rows, sampling);
        if (done > 0) display.info(`${done} prompts are answered already`);
        await answerFrom(done, { rows, generator, flags, file, sampling, display, stop: stop.signal });
      } finally {
        await file.close();
      }
      display.close();
      if (stop.signal.aborted) {
        display.info('interrupted; continue with --resume');
        return interruptedStatus;
      }
      display.info(`${rows.length} prompts, ${flags.answers} answers each: ${flags.output}`);
      if (rows.dropped.length > 0) display.info(`${rows.dropped.length} rows left out`);
      return 0;
    } finally {
      await rows.close();
    }
  } finally {
    unlisten();
    display.close();
    await generator.close();
  }
}

async function promptRows(
  io: CliIo,
  data: string,
  { template, system = undefined, format }: SampleFlags,
  { inference }: Generator,
) {
  return await openRows({
    source: sourceOptions.parse({ path: data, format }),
    folder: io.folder,
    tokenizerFolder: inference.tokenizerFolder,
    template,
    wanted: 'prompt',
    systemPrompt: system ?? null,
    formats: inference.run.container.resolveAll(DataFormatToken),
    transforms: inference.run.container.resolveAll(ExampleTransformToken),
    vocabulary: await vocabularyOf(inference.folder),
    wholePrompts: inference.model.decoderStart !== undefined,
    notice: (line) => io.err.write(`${line}\n`),
  });
}

/** What decides the answers, for the rows themselves and to continue with the same. */
function samplingOf(flags: SampleFlags, { settings, longestFor }: Generator): SampleRow['sampling'] {
  const { bans: _bans, eosIds: _ends, stops: _stops, ...numbers } = settings;
  const { model, adapter, template, system, stop, guide } = flags;
  return {
    model,
    ...(adapter === undefined ? {} : { adapter }),
    template,
    ...(system === undefined ? {} : { system }),
    ...(stop === undefined ? {} : { stop }),
    ...(guide === undefined ? {} : { guide }),
    answers: flags.answers,
    maxNewTokens: longestFor(0),
    ...numbers,
  };
}

/** How many prompts are answered, of the same prompts and in the same way. */
function keptRows(output: string, { lines }: LineFile, rows: RowView, sampling: SampleRow['sampling']): number {
  for (const [index, line] of lines.entries()) {
    const kept = JSON.parse(line) as SampleRow;
    const changes = changedKeys(kept.sampling, sampling);
    if (changes.length > 0) throw comparisonErrors.sampledDifferently({ file: output, changes });
    const isSame = index < rows.length && JSON.stringify(kept.prompt) === JSON.stringify(promptOf(rows, index));
    if (!isSame) throw comparisonErrors.samplesOfOtherPrompts({ file: output, row: index + 1 });
  }
  return lines.length;
}

interface Sampling {
  readonly rows: RowView;
  readonly generator: Generator;
  readonly flags: SampleFlags;
  readonly file: LineFile;
  readonly sampling: SampleRow['sampling'];
  readonly display: Display;
  readonly stop: AbortSignal;
}

async function answerFrom(first: number, { rows, generator, flags, file, sampling, display, stop }: Sampling) {
  const { inference } = generator;
  const { model, adapter, run } = inference;
  const batched = run.container.resolve(GeneratorToken).open(model, { adapter, steering: generator.steering });
  const settings = { ...generator.settings, maxNewTokens: generator.longestFor(0), logProbs: true };
  for (let start = first; start < rows.length && !stop.aborted; start += promptsTogether) {
    const indices = Array.from({ length: Math.min(promptsTogether, rows.length - start) }, (_, at) => start + at);
    const encoded = await rows.rows(indices);
    checkRoom(rows, encoded, model.contextLength);
    const answers = await completionsOf(batched, encoded, flags.answers, settings, stop);
    if (answers === null) return;
    await checkFiles(run);
    await file.append(
      ...indices.map((index, at) => ({
        row: rows.placeOf(index).row,
        prompt: promptOf(rows, index),
        samples: answers[at]!.map((completion) => sampledAnswer(generator, completion, flags.stop)),
        source: rows.source(index).columns,
        sampling,
      })),
    );
    display.setLive(`${start + indices.length}/${rows.length} prompts`);
  }
}

/** @throws LLMF_CLI_PROMPT_TOO_LONG */
function checkRoom(rows: RowView, encoded: readonly EncodedRow[], most: number): void {
  const long = encoded.find(({ prompt }) => prompt.length >= most);
  if (long === undefined) return;
  const { source: file, row } = rows.placeOf(long.index);
  throw comparisonErrors.promptTooLong({ file, row, tokens: long.prompt.length, most });
}

/** Answers by prompt, in the order of their numbers; null where it was asked to end, which is noticed after each answer. */
async function completionsOf(
  generator: BatchGenerator,
  encoded: readonly EncodedRow[],
  count: number,
  settings: GenerationSettings,
  stop: AbortSignal,
): Promise<Completion[][] | null> {
  const requests = encoded.map(({ prompt, index }) => ({ ids: prompt, answers: count, key: `row/${index}` }));
  const answers = encoded.map((): Completion[] => []);
  for await (const completion of generator.complete(requests, settings)) {
    answers[completion.request]![completion.answer] = completion;
    await nextTurn(); // lets signals in
    if (stop.aborted) return null;
  }
  return answers;
}

function sampledAnswer(
  { tokenizer }: Generator,
  { ids, logProbs, reason }: Completion,
  stop: readonly string[] = [],
): SampledAnswer {
  return {
    text: upToStop(tokenizer.decode([...ids], { skipSpecialTokens: true }), stop),
    tokens: ids.length,
    logProb: logProbs.reduce((sum, each) => sum + each, 0),
    reason,
  };
}

/** The prompt as rows of every stage have it: a plain text, or turns. */
function promptOf(rows: RowView, index: number): SampleRow['prompt'] {
  const { chat, columns } = rows.source(index);
  if (chat === null)
    throw comparisonErrors.promptsOfIds({ row: rows.placeOf(index).row, columns: Object.keys(columns) });
  return chatText(chat);
}

function chatText({ system, messages, isPlain }: RowChat): SampleRow['prompt'] {
  if (isPlain && messages.length === 1) return messages[0]!.content;
  return [...(system === undefined ? [] : [{ role: 'system', content: system }]), ...messages];
}
