// SPDX-License-Identifier: Apache-2.0
import { encodeBlock, type EncodedBlock } from '../encode/encode-block.js';
import { Encoder } from '../encode/encoder.js';
import { builtInFormats } from '../formats/index.js';
import type { OpenedFile } from '../sources/open-source-file.js';
import { WorkerPool, workerCount, workerFile } from '../workers/worker-pool.js';
import type { BuildSettings } from './build-settings.js';
import type { RowRange } from './row-selection.js';

export interface EncodedRange {
  readonly range: RowRange;
  readonly block: EncodedBlock;
}

/** Encodes ranges of rows in order: in this thread, or in workers when there are enough rows. */
export async function* encodeRanges(
  ranges: Iterable<RowRange>,
  rows: number,
  files: readonly OpenedFile[],
  settings: BuildSettings,
): AsyncGenerator<EncodedRange> {
  const workers = workersFor(rows, files, settings);
  if (workers === null) {
    yield* encodeHere(ranges, files, settings);
    return;
  }
  const pool = new WorkerPool(workers.file, workers.count, {
    tokenizerFolder: settings.tokenizerFolder,
    templateName: settings.templateName,
    folder: settings.folder,
    encoding: settings.encoding,
    wanted: settings.wanted,
    vocabulary: settings.vocabulary,
    files: files.map(({ reader, plan }) => ({ path: reader.path, plan })),
  });
  try {
    yield* encodeInPool(ranges, files, pool);
  } finally {
    await pool.stop();
  }
}

/** The worker file and how many, or null: too few rows, no build, or values of plugins that cannot cross threads. */
function workersFor(
  rows: number,
  files: readonly OpenedFile[],
  settings: BuildSettings,
): { file: string; count: number } | null {
  const count = settings.tokenizer === null ? 0 : workerCount(settings.workers, rows);
  if (count === 0) return null;
  const isOwn = files.every(({ format }) => builtInFormats.includes(format)) && settings.transforms.length === 0;
  const file = workerFile();
  if (isOwn && file !== null) return { file, count };
  if (settings.workers !== 'auto') {
    const because = isOwn ? 'this package is not built' : 'formats and transforms of plugins run in the main thread';
    settings.notice(`data.workers: tokenizing in the main thread, because ${because}.`);
  }
  return null;
}

async function* encodeHere(
  ranges: Iterable<RowRange>,
  files: readonly OpenedFile[],
  settings: BuildSettings,
): AsyncGenerator<EncodedRange> {
  const encoder = new Encoder(settings.tokenizer, settings.template, settings.encoding);
  const transforms = settings.transforms.map((transform) => transform.apply.bind(transform));
  const { wanted, vocabulary } = settings;
  for (const range of ranges) {
    const file = files[range.file]!;
    const rows = await file.reader.read(range.first, range.count);
    const context = { path: file.reader.path, file, wanted, encoder, vocabulary, transforms };
    yield { range, block: encodeBlock({ firstRow: range.first + 1, rows }, context) };
  }
}

/** Keeps every worker busy with one block and one waiting; blocks come out in the order of the rows. */
async function* encodeInPool(
  ranges: Iterable<RowRange>,
  files: readonly OpenedFile[],
  pool: WorkerPool,
): AsyncGenerator<EncodedRange> {
  const inFlight: { range: RowRange; block: Promise<EncodedBlock> }[] = [];
  const next = async (): Promise<EncodedRange> => {
    const { range, block } = inFlight.shift()!;
    return { range, block: await block };
  };
  for (const range of ranges) {
    const rows = await files[range.file]!.reader.read(range.first, range.count);
    const block = pool.encode(range.file, range.first + 1, rows);
    // A failure is thrown when its turn comes; until then it is not unhandled.
    block.catch(() => undefined);
    inFlight.push({ range, block });
    if (inFlight.length >= 2 * pool.count) yield await next();
  }
  while (inFlight.length > 0) yield await next();
}
