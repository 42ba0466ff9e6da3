// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EncodedBlock } from '../encode/encode-block.js';
import { errors } from '../errors.js';
import { packJob, unpackFailure, type EncodeReply, type WorkerSetup } from './encode-jobs.js';

/**
 * Rows from which threads pay. Measured with Qwen2's tokenizer on Alpaca rows (2 cores, about 1.1 ms a row): 2,000 rows
 * 2.4 s without and 2.7 s with two workers, 4,000 rows 4.3 and 4.2 s, 8,000 rows 8.8 and 5.5 s. One worker never pays.
 */
export const rowsThatPay = 5000;
const mostWorkers = 8;

/** Threads for so many rows: none below `rowsThatPay`, else one per core. */
export function workerCount(stated: number | 'auto', rows: number): number {
  if (stated !== 'auto') return stated;
  const cores = availableParallelism();
  return rows < rowsThatPay || cores < 2 || !runsFromBuild ? 0 : Math.min(mostWorkers, cores);
}

const runsFromBuild = import.meta.url.endsWith('.js');

/** The built worker, or null where this package was never built. */
export function workerFile(): string | null {
  const path = fileURLToPath(
    new URL(runsFromBuild ? './encode-worker.js' : '../../dist/workers/encode-worker.js', import.meta.url),
  );
  return existsSync(path) ? path : null;
}

interface Waiting {
  resolve(block: EncodedBlock): void;
  reject(error: Error): void;
}

/** Workers that encode blocks; `stop` ends them all. */
export class WorkerPool {
  readonly #workers: Worker[];
  readonly #waiting = new Map<number, Waiting>();
  #jobs = 0;

  constructor(
    file: string,
    readonly count: number,
    setup: WorkerSetup,
  ) {
    this.#workers = Array.from({ length: count }, () => {
      // Without the parent's flags: a test runner's conditions would lead the built worker to sources.
      const worker = new Worker(file, { workerData: setup, execArgv: [] });
      worker.on('message', (reply: EncodeReply) => this.#settle(reply));
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (code) => this.#fail(new Error(`it ended with status ${code}`)));
      return worker;
    });
  }

  /** Gives the block to the next worker in turn. */
  encode(file: number, firstRow: number, rows: readonly unknown[]): Promise<EncodedBlock> {
    const id = this.#jobs++;
    const done = new Promise<EncodedBlock>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#workers[id % this.count]!.postMessage(packJob(id, file, firstRow, rows));
    return done;
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) worker.removeAllListeners();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #settle(reply: EncodeReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('block' in reply) return waiting?.resolve(reply.block);
    waiting?.reject(unpackFailure(reply.failure) ?? errors.workerFailed({ problem: reply.failure.message }));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values())
      reject(errors.workerFailed({ problem: error.message }, { cause: error }));
    this.#waiting.clear();
  }
}
