// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import type { Tensor } from '@llmf/nn';
import type { GradientsReady } from '../contracts/hooks.js';
import { some, trainingErrors } from '../training-errors.js';
import { valueChunks } from './value-chunks.js';

/** A fresh LoRA's A gets its first gradient in the second update, once B is no longer zero. */
const watchedUpdates = 3;

/** Every trained weight gets a gradient that is not all zero within the first updates. */
export class GradientWatch {
  private updates = 0;
  private silent: readonly string[];

  constructor(
    private readonly run: Run,
    private readonly names: readonly string[],
  ) {
    this.silent = names;
  }

  /**
   * Weights of which a run of one update says nothing: their gradient was zero, which may come of what they are multiplied
   * with and has just begun to move.
   */
  get untold(): readonly string[] {
    return this.updates === 1 ? this.silent : [];
  }

  /** Warns of weights that got none. @throws LLMF_TRAINING_NO_GRADIENT where none got any */
  async see({ gradients, step }: GradientsReady): Promise<void> {
    if (this.updates >= watchedUpdates) return;
    this.updates++;
    this.silent = await stillSilent(this.silent, gradients);
    const isLast = this.updates === watchedUpdates || step === this.run.totalSteps;
    if (!isLast || this.silent.length === 0) return;
    const { updates, silent } = this;
    if (silent.length === this.names.length) throw trainingErrors.noGradient({ updates, weights: silent });
    const told = silent.filter((name) => !this.untold.includes(name) || !gradients.has(name));
    if (told.length === 0) return;
    const when = updates > 1 ? `first ${updates} updates` : 'only update';
    this.run.logger.warn(`no gradient in the ${when}, so not trained by these rows: ${some(told)}`);
  }
}

/** Of these weights, those that no gradient reached, or one that is zero everywhere. */
async function stillSilent(names: readonly string[], gradients: GradientsReady['gradients']): Promise<string[]> {
  const silent: string[] = [];
  for (const name of names) {
    const gradient = gradients.get(name)?.value;
    if (gradient === undefined || (await isZero(gradient))) silent.push(name);
  }
  return silent;
}

async function isZero(gradient: Tensor): Promise<boolean> {
  for await (const values of valueChunks(gradient)) if (values.some((value) => value !== 0)) return false;
  return true;
}
