// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import type { Sample, Scores } from '../contracts/reward.js';
import { rolloutsErrors } from '../rollouts-errors.js';

interface ThreadedFunction {
  readonly path: string;
  readonly url: string;
  readonly exported: string;
  readonly seconds: number;
}

type Answer = { readonly ready: true } | { readonly scores: unknown } | { readonly error: string };

/** A module may import much, and is loaded once. */
const secondsToLoad = 60;

/** A user's function in a thread of its own: a loop without end in it can be ended, which no timer here could. */
export class FunctionThread {
  private worker: Worker | null = null;

  constructor(private readonly run: ThreadedFunction) {}

  /** @throws LLMF_ROLLOUTS_REWARD_FILE where the module does not load or has no such function */
  async start(): Promise<void> {
    const { url, exported, path } = this.run;
    const worker = new Worker(new URL('../../worker/score.mjs', import.meta.url), { workerData: { url, exported } });
    worker.unref();
    this.worker = worker;
    const answer = await this.next(worker, 0, Math.max(this.run.seconds, secondsToLoad));
    if ('error' in answer) {
      await this.stop();
      throw rolloutsErrors.rewardFile({ path, reason: answer.error });
    }
  }

  /** @throws LLMF_ROLLOUTS_FUNCTION_THREW, LLMF_ROLLOUTS_REWARD_TIMEOUT */
  async score(samples: readonly Sample[]): Promise<Scores> {
    if (this.worker === null) await this.start();
    const answer = this.next(this.worker!, samples.length, this.run.seconds);
    this.worker!.postMessage(samples);
    const got = await answer;
    if ('error' in got) throw rolloutsErrors.functionThrew({ path: this.run.path, reason: got.error });
    return (got as { scores: Scores }).scores;
  }

  async stop(): Promise<void> {
    const { worker } = this;
    this.worker = null;
    await worker?.terminate();
  }

  /** The next message; a thread that ends or is silent for too long is given up. */
  private async next(worker: Worker, samples: number, seconds: number): Promise<Answer> {
    const { path } = this.run;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', (error) => resolve({ error: String(error) }));
        worker.once('exit', (code) => resolve({ error: `its thread ended with code ${code}` }));
        timer = setTimeout(
          () => reject(rolloutsErrors.rewardTimeout({ reward: path, seconds, samples })),
          seconds * 1000,
        );
      });
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
      for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
    }
  }
}
