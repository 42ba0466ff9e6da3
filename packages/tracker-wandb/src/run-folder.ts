// SPDX-License-Identifier: Apache-2.0
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesIfThere, ifThere, readBytes, writeAll, writeFileAtomic } from '@llmf/core';
import { fileHead, framed, recordsOf } from './log-frames.js';
import {
  exitRecord,
  headerRecord,
  historyOf,
  historyRecord,
  metricRecords,
  numbered,
  runRecord,
  stepMetric,
  summaryRecord,
  type HistoryLine,
  type RunFacts,
} from './records.js';

/** A run's folder as `wandb sync` takes it: `offline-run-DATE_TIME-ID/run-ID.wandb`. */
export interface FoundRun {
  readonly id: string;
  readonly folder: string;
  /** Of its history, what a run that goes on behind `step` keeps. */
  readonly lines: readonly HistoryLine[];
}

const named = /^offline-run-\d{8}_\d{6}-([a-z0-9]+)$/;

/** The run that an earlier start wrote into `parent`; null: none, or the run begins anew (`step` 0). */
export async function findRun(parent: string, step: number): Promise<FoundRun | null> {
  if (step === 0) return null;
  const names = (await entriesIfThere(parent)).filter((name) => named.test(name)).toSorted();
  const name = names.at(-1);
  if (name === undefined) return null;
  const id = named.exec(name)![1]!;
  const folder = join(parent, name);
  const file = (await ifThere(readBytes(join(folder, fileName(id))))) ?? Buffer.alloc(0);
  const lines = recordsOf(file)
    .map(historyOf)
    .filter((line) => line !== null);
  return { id, folder, lines: lines.filter((line) => line[stepMetric]! <= step) };
}

const fileName = (id: string): string => `run-${id}.wandb`;

/** `offline-run-20260131_235959-ID`, in local time as wandb names it. */
export function folderName(id: string, time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`;
  return `offline-run-${date}_${two(time.getHours())}${two(time.getMinutes())}${two(time.getSeconds())}-${id}`;
}

/** The folder's log, which is whole after every row. */
export class RunFolder {
  private constructor(
    private readonly path: string,
    /** Bytes of whole records; what a full disk cut off is written over. */
    private length: number,
    private records: number,
  ) {}

  /** A new log with what is kept of an earlier one. */
  static async begin(folder: string, run: RunFacts, kept: readonly HistoryLine[]): Promise<RunFolder> {
    await mkdir(join(folder, 'files'), { recursive: true });
    const path = join(folder, fileName(run.id));
    const log = new RunFolder(path, fileHead.length, 0);
    const contents = [headerRecord(), runRecord(run), ...metricRecords(), ...kept.flatMap(contentsOf)];
    await writeFileAtomic(path, Buffer.concat([fileHead, log.frames(contents)]));
    log.commit(contents);
    return log;
  }

  async add(line: HistoryLine): Promise<void> {
    await this.append(contentsOf(line));
  }

  async exit(code: number, runtime: number): Promise<void> {
    await this.append([exitRecord(code, runtime)]);
  }

  private async append(contents: readonly Buffer[]): Promise<void> {
    const bytes = this.frames(contents);
    const file = await open(this.path, 'r+');
    try {
      await writeAll(file, bytes, this.length);
    } finally {
      await file.close();
    }
    this.commit(contents);
  }

  /** What the log grows by. */
  private frames(contents: readonly Buffer[]): Buffer {
    const parts: Buffer[] = [];
    let at = this.length;
    for (const [index, content] of contents.entries()) {
      const bytes = framed(numbered(content, this.records + index + 1), at);
      parts.push(bytes);
      at += bytes.length;
    }
    return Buffer.concat(parts);
  }

  private commit(contents: readonly Buffer[]): void {
    this.length += this.frames(contents).length;
    this.records += contents.length;
  }
}

const contentsOf = (line: HistoryLine): Buffer[] => [summaryRecord(line), historyRecord(line)];

/** What `wandb sync --sync-all` leaves out: a run that is at the server already. */
export const markSynced = (folder: string, id: string): Promise<void> =>
  writeFile(join(folder, `${fileName(id)}.synced`), '');
