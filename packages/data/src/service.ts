// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import {
  defaultMaxLength,
  standardRowKinds,
  type DataRequest,
  type DroppedRow,
  type RowKind,
  type StandardRowKind,
} from '@llmf/training';
import { makeFolder, readSection, removeLeftovers, temporaryFolder, type Run } from '@llmf/core';
import { checkOptions } from './check-options.js';
import { summarize } from './drop-report.js';
import { endNotLearned, rowsLookedAt } from './end-is-learned.js';
import { errors } from './errors.js';
import { ExampleTransformToken } from './extension-points.js';
import { DataFormatToken } from './formats/data-format.js';
import { builtInFormats } from './formats/index.js';
import { type DataOptions, type SourceOptions, dataOptionsSection } from './options.js';
import { resolveSources } from './sources/source.js';
import { arrange, SharedStores, type ArrangedData, type Entry } from './store/arrange.js';
import { storeOf } from './store/build-store.js';
import type { BuildSettings } from './store/build-settings.js';
import { repeatRows } from './store/row-selection.js';
import type { RowView } from './store/row-view.js';
import type { TokenStore } from './store/token-store.js';
import { chooseTemplate } from './templates/choose.js';
import { entriesOf } from './task-entries.js';
import { tokenFoldersOf, tokenizerOrNull, vocabularyOf } from './tokenizer-of-run.js';

export type OpenedData = ArrangedData;

/** Reads, tokenizes (or finds again) and orders the data of a run. */
export async function openData(run: Run, request: DataRequest): Promise<OpenedData> {
  const options = readSection(run.config, dataOptionsSection);
  checkOptions(options, request);
  const said = new Set<string>();
  const notice = (line: string) => {
    if (said.has(line)) return;
    said.add(line);
    run.logger.info(line);
  };
  const scratch = await cacheFolderOf(options, run, notice);
  const settings = await buildSettings(run, options, request, scratch.folder, notice);
  const opened: TokenStore[] = [];
  try {
    const train = await openEntries(
      entriesOf(options.train, request.task),
      options.maxSamples,
      settings,
      opened,
      'data.train',
    );
    const evaluation = Array.isArray(options.eval)
      ? await openHeldOut(options.eval, request.task, settings, opened)
      : null;
    const data = arrange(train, evaluation, options, new SharedStores(opened, scratch.remove));
    const facts = (view: RowView | null) =>
      view === null ? null : { rows: view.length, fingerprint: view.fingerprint };
    await sayWhereNoEndIsLearned(run, data.train, settings);
    run.record['data'] = { train: facts(data.train), eval: facts(data.eval) };
    return data;
  } catch (error) {
    await Promise.all(opened.map((store) => store.close()));
    await scratch.remove();
    throw error;
  }
}

/** A task may have none. */
async function openHeldOut(
  entries: readonly SourceOptions[],
  task: string | undefined,
  settings: BuildSettings,
  opened: TokenStore[],
): Promise<Entry[] | null> {
  if (task !== undefined && entries.every((entry) => entry.task !== task)) return null;
  return await openEntries(entriesOf(entries, task), null, settings, opened, 'data.eval');
}

async function sayWhereNoEndIsLearned(
  { logger }: Run,
  train: RowView,
  { tokenizer, template, encoding, wanted }: BuildSettings,
): Promise<void> {
  if (tokenizer === null || template === null || encoding.asText === true || !isAnswered(wanted)) return;
  const first = Array.from({ length: Math.min(rowsLookedAt, train.length) }, (_, index) => index);
  const line = endNotLearned(await train.rows(first), tokenizer, template);
  if (line !== null) logger.info(line); // `check` is silent about warnings of the data, which it lists
}

const isAnswered = (wanted: BuildSettings['wanted']) => !['prompt', 'classified', 'similar'].includes(wanted);

function wantedKind(rows: RowKind): StandardRowKind {
  const kind = standardRowKinds.find((known) => known === rows);
  if (kind === undefined) throw errors.rowKind({ got: rows, known: standardRowKinds });
  return kind;
}

interface Scratch {
  readonly folder: string;
  remove(): Promise<void>;
}

/** The cache folder; with `off`, or where none can be made, a temporary one that is removed at the end. */
async function cacheFolderOf({ cache }: DataOptions, run: Run, notice: (line: string) => void): Promise<Scratch> {
  if (cache !== 'off') {
    const folder = resolve(run.folder, cache);
    const made = await Promise.resolve()
      .then(() => makeFolder(folder))
      .then(
        () => null,
        (error: NodeJS.ErrnoException) => error,
      );
    if (made === null) {
      await removeLeftovers(folder);
      return { folder, remove: async () => undefined };
    }
    if (!['EACCES', 'EROFS', 'EPERM'].includes(made.code ?? ''))
      throw errors.cacheWrite({ folder, problem: made.message });
    notice(`Tokenized data is not kept: ${folder} cannot be written (set data.cache to another folder).`);
  }
  const folder = await temporaryFolder('llmf-data').catch((error: Error) => {
    throw errors.cacheWrite({ folder: tmpdir(), problem: error.message });
  });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

async function buildSettings(
  run: Run,
  options: DataOptions,
  request: DataRequest,
  cacheFolder: string,
  notice: (line: string) => void,
): Promise<BuildSettings> {
  const folders = await tokenFoldersOf(run);
  const tokenizer = await tokenizerOrNull(folders.tokenizer);
  const transforms = run.container.resolveAll(ExampleTransformToken);
  return {
    folder: run.folder,
    wanted: wantedKind(request.rows),
    extras: request.columns ?? [],
    formats: [...run.container.resolveAll(DataFormatToken), ...builtInFormats],
    transforms,
    tokenizer,
    tokenizerFolder: folders.tokenizer,
    template: tokenizer === null ? null : await chooseTemplate(options.template, tokenizer, run.folder),
    templateName: options.template,
    encoding: {
      systemPrompt: options.systemPrompt,
      maxLength: options.maxLength ?? defaultMaxLength(request.contextLength),
      truncation: options.truncation,
      trainOnPrompt: options.trainOnPrompt,
      maskHistory: options.maskHistory,
      leavesMedia: transforms.some(({ fitsMedia }) => fitsMedia === true),
      asText: request.rows === 'text',
      ...(request.labels !== undefined && { labels: request.labels }),
      ...(request.wholePrompts === true ? { wholePrompts: true } : {}),
    },
    vocabulary: folders.model === null ? null : await vocabularyOf(folders.model),
    cacheFolder,
    workers: options.workers,
    notice,
    stop: run.stop,
  };
}

async function openEntries(
  given: readonly SourceOptions[],
  atMost: number | null,
  settings: BuildSettings,
  opened: TokenStore[],
  split: string,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const source of await resolveSources(given, settings.folder, settings.notice)) {
    const { store, fingerprint } = await storeOf(source, { samples: source.samples, atMost }, settings);
    opened.push(store);
    const wanted = Math.min(source.samples ?? 0, atMost ?? Infinity);
    entries.push({
      source,
      store,
      fingerprint,
      rows: repeatRows(store.length, store.facts.seen === 0 ? 1 : wanted / store.facts.seen),
    });
  }
  if (entries.every(({ rows }) => rows.length === 0)) {
    const seen = entries.reduce((sum, { store }) => sum + store.facts.seen, 0);
    throw errors.noRows({ split, seen, reasons: commonReasons(entries.flatMap(({ store }) => store.facts.dropped)) });
  }
  return entries.filter(({ rows }) => rows.length > 0);
}

/** The three most frequent reasons. */
function commonReasons(dropped: readonly DroppedRow[]): string[] {
  const { reasons } = summarize(dropped.filter(({ action }) => action === 'dropped'));
  return reasons.slice(0, 3).map(({ reason, count }) => `${reason} (${count} rows)`);
}
