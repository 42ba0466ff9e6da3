// SPDX-License-Identifier: Apache-2.0
import { PrecisionToken, type Run, type StageSession, type StepResult } from '@llmf/core';
import type { Reference } from './contracts/reference.js';
import { checkAtReference } from './objective/at-reference.js';
import { evaluationMode } from './objective/log-probs.js';
import { lossTermsOf, type LossStage } from './objective/loss-terms.js';
import { Objective } from './objective/objective.js';
import { ObjectiveLoop, type LoopParts } from './objective/objective-loop.js';
import { openPolicy } from './policy/policy.js';
import { checkReference, openReference } from './references/open-reference.js';
import { Rows } from './rows/rows.js';
import { peakLearningRate } from './updater/learning-rate.js';
import { Updater } from './updater/updater.js';

/** The session of every stage that minimises weighted loss terms over rows, composed from the four parts of training. */
export async function createLossSession(
  run: Run,
  stage: LossStage,
  options: Readonly<Record<string, unknown>> = {},
): Promise<StageSession> {
  const own = (await stage.parts?.(run, options as never)) ?? {};
  const { terms, needs } = lossTermsOf(run, stage, own.terms);
  const policy = await openPolicy(run, needs.heads);
  if (needs.reference !== 'none') await checkReference(run, policy, needs.span === 'all');
  const rows = await Rows.open(run, policy.model, {
    rows: stage.rows,
    columns: needs.columns ?? [],
    mismatched: needs.mismatched ?? false,
    coupling: needs.coupling,
    ...(own.labels !== undefined && { labels: own.labels }),
    ...(own.changes !== undefined && { changes: own.changes }),
  });
  const reference =
    needs.reference === 'none'
      ? null
      : await openReference(run, policy, rows.splits, { wantsPrompt: needs.span === 'all' });
  const objective = new Objective(run, policy, terms, needs, reference);
  const updater = new Updater(run, policy.variables, peakLearningRate(run, stage, policy));
  return new LossSession(run, { policy, rows, objective, updater }, reference);
}

class LossSession implements StageSession {
  readonly stepsPerEpoch: number;
  private readonly loop: ObjectiveLoop;

  constructor(
    private readonly run: Run,
    private readonly parts: LoopParts,
    private readonly reference: Reference | null,
  ) {
    this.stepsPerEpoch = parts.rows.stepsPerEpoch;
    this.loop = new ObjectiveLoop(run, parts);
  }

  async verify(): Promise<void> {
    if (this.reference?.equalsPolicyAtStart !== true) return;
    const { policy, rows, objective } = this.parts;
    const [batch] = await rows.batchesOf(1);
    if (batch === undefined) return;
    const precision = this.run.container.resolve(PrecisionToken);
    await checkAtReference(objective, batch, rows.train, evaluationMode(policy.adapter), precision);
  }

  async step(step: number): Promise<StepResult> {
    return await this.loop.step(step);
  }

  async evaluate(): Promise<Record<string, number> | null> {
    return await this.loop.evaluate();
  }
}
