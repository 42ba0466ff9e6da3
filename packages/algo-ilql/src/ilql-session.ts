// SPDX-License-Identifier: Apache-2.0
import type { Run, StageSession, StepResult } from '@llmf/core';
import { AttachedHeadsToken } from '@llmf/nn';
import { lossChoices, Objective, ObjectiveLoop, openPolicy, peakLearningRate, Rows, Updater } from '@llmf/training';
import { errors } from './errors.js';
import { ilqlHeads } from './ilql-heads.js';
import { ilqlLoss } from './ilql-loss.js';
import type { IlqlOptions } from './options.js';
import { rewardScale } from './reward-scale.js';
import { TargetHeads } from './target-heads.js';

/** Where the config names no rate: trlX's ILQL examples train every weight at 5e-5; adapters as in supervised training. */
const stage = { name: 'ilql', learningRates: { adapter: 2e-4, full: 5e-5 } };

/** Composes the parts of training with target heads that follow after each update. */
export async function openIlql(run: Run, given: Record<string, unknown>): Promise<StageSession> {
  checkUnused(run);
  const options = given as IlqlOptions;
  const policy = await openPolicy(run, (model) => ilqlHeads(model, options.twoQs));
  const rows = await Rows.open(run, policy.model, { rows: 'single', columns: [options.reward] });
  const scale = options.normalizeRewards ? await rewardScale(rows.train, options.reward) : { mean: 0, deviation: 1 };
  const targets = new TargetHeads(run, policy, policy.model, options);
  const heads = new Map([...policy.heads, ...targets.heads]);
  run.container.register(AttachedHeadsToken, heads); // saved with the policy: guided decoding reads the targets
  const term = { loss: ilqlLoss, options: { ...options, scale } as never, weight: 1 };
  const needs = ilqlLoss.needs({ ...options, scale });
  const objective = new Objective(run, { model: policy.model, heads }, [term], needs, null);
  const updater = new Updater(run, policy.variables, peakLearningRate(run, stage, policy));
  const loop = new ObjectiveLoop(run, { policy, rows, objective, updater });
  return new IlqlSession(rows.stepsPerEpoch, loop, targets);
}

/** @throws LLMF_ALGO_ILQL_LOSS_UNUSED, LLMF_ALGO_ILQL_REFERENCE_UNUSED for what the config asks for and nothing reads */
function checkUnused({ config: { choices } }: Run): void {
  const losses = lossChoices(choices['loss']).map(({ name }) => name);
  if (losses.length > 0) throw errors.lossUnused({ losses });
  const reference = choices['reference']?.[0]?.name ?? 'auto';
  if (reference !== 'auto') throw errors.referenceUnused({ reference });
}

class IlqlSession implements StageSession {
  constructor(
    readonly stepsPerEpoch: number,
    private readonly loop: ObjectiveLoop,
    private readonly targets: TargetHeads,
  ) {}

  /** The value at a reference is not known: there is none. */
  async verify(): Promise<void> {}

  async step(step: number): Promise<StepResult> {
    const result = await this.loop.step(step);
    this.targets.sync(step);
    return result;
  }

  async evaluate(): Promise<Record<string, number> | null> {
    return await this.loop.evaluate();
  }
}
