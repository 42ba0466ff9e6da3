// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { permutation, type DataRequest, type DroppedRow, type Run } from '@llmf/core';
import { errors } from './errors.js';
import { ExampleTransformToken } from './extension-points.js';
import { DataFormatToken, type DataFormat } from './formats/data-format.js';
import { builtInFormats } from './formats/index.js';
import type { DataOptions, SourceOptions } from './options.js';
import { resolveSources, type Source } from './sources/source.js';
import { storeOf, type BuildSettings } from './store/build-store.js';
import { mix } from './store/mixture.js';
import { repeatRows } from './store/row-selection.js';
import { RowView, type RowOrder } from './store/row-view.js';
import type { TokenStore } from './store/token-store.js';
import { chooseTemplate } from './templates/choose.js';
import { tokenFoldersOf, tokenizerOrNull, vocabularyOf } from './tokenizer-of-run.js';
import { writeReport } from './drop-report.js';

export interface OpenedData {
  readonly train: RowView;
  readonly eval: RowView | null;
}

/** Reads, tokenizes (or finds again) and orders the data of a run, and writes data-report.jsonl. */
export async function openData(run: Run, request: DataRequest): Promise<OpenedData> {
  const options = run.config.sections['data'] as DataOptions;
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
    const train = await openEntries(options.train, options.maxSamples, settings, opened, 'data.train');
    const evaluation = Array.isArray(options.eval)
      ? await openEntries(options.eval, null, settings, opened, 'data.eval')
      : null;
    const data = arrange(train, evaluation, options, new SharedStores(opened, scratch.remove));
    await report(run, data);
    return data;
  } catch (error) {
    await Promise.all(opened.map((store) => store.close()));
    await scratch.remove();
    throw error;
  }
}

/** Options that contradict each other or the stage. */
function checkOptions(options: DataOptions, { rows }: DataRequest): void {
  const unfit = (option: string, value: unknown, because: string, fix: string) =>
    errors.optionUnfit({ option, value: String(value), because, fix });
  if (options.trainOnPrompt && rows !== 'single') {
    throw unfit('trainOnPrompt', true, `it is for supervised rows; this stage learns ${rows} rows`, 'Remove it.');
  }
  if (options.maskHistory && rows !== 'single') {
    throw unfit('maskHistory', true, `it is for supervised chats; this stage learns ${rows} rows`, 'Remove it.');
  }
  if (options.trainOnPrompt && options.maskHistory) {
    throw unfit('maskHistory', true, 'trainOnPrompt learns every token, the history too', 'Remove one of the two.');
  }
  if (options.systemPrompt !== null && options.template === 'none') {
    throw unfit(
      'systemPrompt',
      JSON.stringify(options.systemPrompt),
      'without a template it has no place',
      'Choose a template.',
    );
  }
  const weighted = options.train.find(({ weight }) => weight !== undefined);
  if (weighted !== undefined && options.mixture === 'concat') {
    throw unfit(
      'train[].weight',
      weighted.weight,
      'mixture concat takes every row once',
      'Set data.mixture to interleaveUnder or interleaveOver.',
    );
  }
  const evaluated = Array.isArray(options.eval) ? options.eval.find(({ weight }) => weight !== undefined) : undefined;
  if (evaluated !== undefined)
    throw unfit('eval[].weight', evaluated.weight, 'evaluation takes every row once', 'Remove it.');
}

interface Scratch {
  readonly folder: string;
  remove(): Promise<void>;
}

/** The cache folder; with `off`, or where none can be made, a temporary one that is removed at the end. */
async function cacheFolderOf({ cache }: DataOptions, run: Run, notice: (line: string) => void): Promise<Scratch> {
  if (cache !== 'off') {
    const folder = resolve(run.folder, cache);
    const made = await mkdir(folder, { recursive: true }).then(
      () => null,
      (error: NodeJS.ErrnoException) => error,
    );
    if (made === null) return { folder, remove: async () => undefined };
    if (!['EACCES', 'EROFS', 'EPERM'].includes(made.code ?? ''))
      throw errors.cacheWrite({ folder, problem: made.message });
    notice(`Tokenized data is not kept: ${folder} cannot be written (set data.cache to another folder).`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'llmf-data-')).catch((error: Error) => {
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
  return {
    folder: run.folder,
    wanted: request.rows,
    extras: request.columns ?? [],
    formats: [...(run.container.resolveAll(DataFormatToken) as DataFormat[]), ...builtInFormats],
    transforms: run.container.resolveAll(ExampleTransformToken),
    tokenizer,
    tokenizerFolder: folders.tokenizer,
    template: tokenizer === null ? null : await chooseTemplate(options.template, tokenizer, run.folder),
    templateName: options.template,
    encoding: {
      systemPrompt: options.systemPrompt,
      maxLength: options.maxLength,
      truncation: options.truncation,
      trainOnPrompt: options.trainOnPrompt,
      maskHistory: options.maskHistory,
      asText: request.rows === 'text',
    },
    vocabulary: folders.model === null ? null : await vocabularyOf(folders.model),
    cacheFolder,
    workers: options.workers,
    notice,
  };
}

interface Entry {
  readonly source: Source;
  readonly store: TokenStore;
  /** Stored rows that the entry gives, in order, repeats included. */
  readonly rows: Uint32Array;
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
    const store = await storeOf(source, { samples: source.samples, atMost }, settings);
    opened.push(store);
    const wanted = Math.min(source.samples ?? 0, atMost ?? Infinity);
    entries.push({
      source,
      store,
      rows: repeatRows(store.length, store.facts.seen === 0 ? 1 : wanted / store.facts.seen),
    });
  }
  if (entries.every(({ rows }) => rows.length === 0)) {
    const seen = entries.reduce((sum, { store }) => sum + store.facts.seen, 0);
    throw errors.noRows({ split, seen, reasons: commonReasons(entries.flatMap(({ store }) => store.facts.dropped)) });
  }
  return entries.filter(({ rows }) => rows.length > 0);
}

/** The most frequent reasons, numbers left out so that alike ones count together. */
function commonReasons(dropped: readonly DroppedRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { reason } of dropped.filter(({ action }) => action === 'dropped')) {
    const kind = reason.replace(/\d+/g, 'N');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3);
  return sorted.map(([kind, count]) => `${kind} (${count} rows)`);
}

/** Holds out, mixes and limits. */
function arrange(
  train: readonly Entry[],
  evaluation: readonly Entry[] | null,
  options: DataOptions,
  shared: SharedStores,
): OpenedData {
  const heldOut = options.eval !== null && !Array.isArray(options.eval) ? holdOut(train, options.eval.split) : null;
  const weights = train.map(({ source }) => source.weight ?? 1);
  const kept = train.map(({ rows }, at) => heldOut?.kept[at] ?? rows);
  if (kept.some(({ length }) => length === 0) && options.mixture !== 'concat') {
    throw errors.splitTooLarge({ split: (options.eval as { split: number }).split, rows: kept[0]!.length });
  }
  const { mixture, shuffle, maxEvalSamples } = options;
  const order = mix(kept, { mixture, weights, shuffle });
  const view = (entries: readonly Entry[], rows: RowOrder, isHeldOut = false) => {
    const stores = entries.map(({ store }) => store);
    // What was dropped of held-out rows is told with the training rows they come from.
    const dropped = isHeldOut ? [] : stores.flatMap(({ facts }) => facts.dropped);
    return new RowView(stores, rows, fingerprintOf(stores, rows), dropped, shared.use());
  };
  const limited = (rows: RowOrder): RowOrder => ({
    store: rows.store.slice(0, maxEvalSamples ?? undefined),
    row: rows.row.slice(0, maxEvalSamples ?? undefined),
  });
  const concat = (rows: readonly Uint32Array[]) => mix(rows, { mixture: 'concat', weights: [], shuffle: false });
  const held = heldOut === null ? null : view(train, limited(concat(heldOut.out)), true);
  const own = evaluation === null ? null : view(evaluation, limited(concat(evaluation.map(({ rows }) => rows))));
  return { train: view(train, order), eval: own ?? held };
}

/** Draws the held-out rows over all entries; the same rows for every seed, so that runs compare. */
function holdOut(entries: readonly Entry[], split: number): { kept: Uint32Array[]; out: Uint32Array[] } {
  const total = entries.reduce((sum, { store }) => sum + store.length, 0);
  const count = split < 1 ? Math.round(split * total) : Math.floor(split);
  if (count < 1 || count >= total) throw errors.splitTooLarge({ split, rows: total });
  const order = permutation({ seed: 0, stream: 'hold-out', step: 0, microbatch: 0 }, 'rows', total);
  const isOut = new Uint8Array(total);
  for (const row of order.slice(0, count)) isOut[row] = 1;
  let start = 0;
  const kept: Uint32Array[] = [];
  const out: Uint32Array[] = [];
  for (const { rows, store } of entries) {
    const first = start;
    kept.push(rows.filter((row) => isOut[first + row] === 0));
    out.push(Uint32Array.from({ length: store.length }, (_, row) => row).filter((row) => isOut[first + row] === 1));
    start += store.length;
  }
  return { kept, out };
}

function fingerprintOf(stores: readonly TokenStore[], { store, row }: RowOrder): string {
  const hash = createHash('sha256').update(JSON.stringify(stores.map(({ facts }) => facts.key)));
  for (const part of [store, row]) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest('hex');
}

/** Both splits may read the same stores: the last view to close closes them. */
class SharedStores {
  #users = 0;
  constructor(
    private readonly stores: readonly TokenStore[],
    private readonly remove: () => Promise<void>,
  ) {}

  /** One view's right to the stores; gives what releases it, once. */
  use(): () => Promise<void> {
    this.#users++;
    let isReleased = false;
    return async () => {
      if (isReleased || ((isReleased = true), --this.#users > 0)) return;
      await Promise.all(this.stores.map((store) => store.close()));
      await this.remove();
    };
  }
}

async function report(run: Run, data: OpenedData): Promise<void> {
  const summary = await writeReport(run.output, { train: data.train.dropped, eval: data.eval?.dropped ?? [] });
  if (summary !== null) run.logger.warn(summary);
  const facts = (view: RowView | null) => (view === null ? null : { rows: view.length, fingerprint: view.fingerprint });
  run.record['data'] = { train: facts(data.train), eval: facts(data.eval) };
}
