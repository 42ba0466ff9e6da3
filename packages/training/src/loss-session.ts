// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DataServiceToken, type Batch, type RowKind, type RowSet, type Sampler } from './contracts/data.js';
import { LossToken, type LossTerm } from './contracts/loss.js';
import { PrecisionToken, type Run, type StageSession, type StepResult } from '@llmf/core';
import { type GradientsReady, type ForwardMode, trainingHooks } from './contracts/hooks.js';
import { valueAndGradients, tf } from '@llmf/nn';
import { GradientAccumulator } from './updater/gradient-accumulator.js';
import { OptimizerToken, ScheduleToken, type OptimizerState, type Schedule } from './contracts/optimizer.js';
import { ReferenceToken, type Reference, type ReferenceLogProbs } from './contracts/reference.js';
import { checkAtReference } from './objective/at-reference.js';
import { checkLengths } from './rows/check-lengths.js';
import { chosen, chosenWithOptions } from './choose.js';
import { Feed } from './rows/feed.js';
import { EvaluationSums } from './objective/evaluation-sums.js';
import { evaluationMode } from './objective/log-probs.js';
import { unitedNeeds } from './objective/loss-needs.js';
import { MetricTotals } from './objective/metric-totals.js';
import { Objective } from './objective/objective.js';
import { describeTrained, loadRunModel, type RunModel } from './policy/run-model.js';
import { trainingErrors } from './training-errors.js';
import { hostTensors, loadVariables } from './policy/variable-state.js';

/** What a stage that minimises loss terms over rows says of itself. */
export interface LossStage {
  readonly name: string;
  readonly rows: RowKind;
}

/**
 * The session of every stage that minimises weighted loss terms over a data set: model, rows, losses, reference,
 * optimizer, then one optimizer step at a time.
 */
export async function createLossSession(run: Run, stage: LossStage): Promise<StageSession> {
  const runModel = await loadRunModel(run);
  run.logger.info(describeTrained(runModel));
  const terms = trainingHooks(run).lossTerms.call(configuredTerms(run));
  if (terms.length === 0) throw trainingErrors.noLoss({ stage: stage.name });
  const needs = unitedNeeds(terms, stage.rows, stage.name);
  checkCoupling(run, terms, needs.coupling);
  if (needs.reference === 'none') checkNoReference(run, terms);
  const service = run.container.resolve(DataServiceToken);
  const data = await service.open(run, {
    rows: stage.rows,
    columns: needs.columns ?? [],
    contextLength: runModel.model.contextLength,
  });
  const opened = { train: data.train, eval: data.eval };
  run.hooks.shutdown.tapPromise('data', async () => {
    await opened.train.close();
    await opened.eval?.close();
  });
  opened.train = await trainingHooks(run).datasetReady.promise(data.train, { split: 'train' });
  opened.eval = data.eval && (await trainingHooks(run).datasetReady.promise(data.eval, { split: 'eval' }));
  const { train, eval: evaluation } = opened;
  await service.report(run, { train, eval: evaluation });
  const { batchSize, gradientAccumulation } = run.config.train;
  const sampler = service.sampler(run, { rows: train, rowsPerStep: batchSize * gradientAccumulation });
  const rowSets = evaluation === null ? [train] : [train, evaluation];
  for (const rows of rowSets) checkLengths(rows, runModel.model.contextLength);
  const reference =
    needs.reference === 'none' ? null : await openReference(run, runModel, rowSets, needs.span === 'all');
  const objective = new Objective(run, runModel.model, terms, needs, reference);
  return new LossSession(run, runModel, objective, reference, { train, evaluation, sampler });
}

interface SessionData {
  readonly train: RowSet;
  readonly evaluation: RowSet | null;
  readonly sampler: Sampler;
}

class LossSession implements StageSession {
  readonly stepsPerEpoch: number;
  private readonly feed: Feed;
  private readonly gradients: GradientAccumulator;
  private readonly optimizer: OptimizerState;
  private readonly schedule: { readonly value: Schedule; readonly options: Record<string, unknown> };

  constructor(
    private readonly run: Run,
    private readonly runModel: RunModel,
    private readonly objective: Objective,
    private readonly reference: Reference | null,
    private readonly data: SessionData,
  ) {
    const { train } = run.config;
    this.stepsPerEpoch = data.sampler.stepsPerEpoch;
    this.feed = new Feed(run, runModel.model.vocabularySize);
    this.gradients = new GradientAccumulator(runModel.variables);
    this.schedule = chosenWithOptions(run.container, ScheduleToken, train.schedule, 'train.schedule');
    const optimizer = chosenWithOptions(run.container, OptimizerToken, train.optimizer, 'train.optimizer');
    this.optimizer = optimizer.value.create(runModel.variables, { weightDecay: train.weightDecay }, optimizer.options);
    run.hooks.shutdown.tap('optimizer', () => {
      this.optimizer.dispose();
      this.gradients.dispose();
      this.reference?.dispose();
    });
    this.registerState();
  }

  async verify(): Promise<void> {
    const known = this.reference === null || !this.reference.equalsPolicyAtStart;
    const batch = known ? undefined : (await this.batchesOf(1))[0];
    if (batch === undefined) return;
    const precision = this.run.container.resolve(PrecisionToken);
    await checkAtReference(this.objective, batch, this.data.train, evaluationMode(this.runModel.adapter), precision);
  }

  async step(step: number): Promise<StepResult> {
    const { run, objective } = this;
    const batches = await this.batchesOf(step);
    const units = objective.units(batches);
    const totals = new MetricTotals();
    for (const [microbatch, batch] of batches.entries()) {
      if (microbatch > 0) await nextTurn(); // Ctrl-C is noticed between microbatches
      const reference = await objective.referenceLogProbs(batch, this.data.train);
      const mode = this.trainingMode(step, microbatch);
      const result = valueAndGradients(
        () => ({ loss: objective.loss(batch, mode, reference, units, totals) }),
        this.runModel.variables.values(),
        this.gradients.sink,
      );
      result.loss.dispose();
      disposeReference(reference);
    }
    const ready: GradientsReady = { step, gradients: this.gradients.take() };
    await trainingHooks(run).gradientsReady.promise(ready);
    const learningRate = this.learningRate(step);
    this.optimizer.update(ready.gradients, learningRate, step, ready.scale);
    if (ready.norm !== undefined) totals.addShare('gradNorm', ready.norm);
    disposeGradients(ready);
    return {
      metrics: totals.read().then((metrics) => ({ ...metrics, learningRate })),
      tokens: batches.reduce((sum, { tokens }) => sum + tokens, 0),
      computedTokens: batches.reduce((sum, { ids }) => sum + ids.length, 0),
    };
  }

  async evaluate(): Promise<Record<string, number> | null> {
    const { evaluation } = this.data;
    if (evaluation === null || evaluation.length === 0) return null;
    const { batchSize } = this.run.config.train;
    const sums = new EvaluationSums();
    for (let start = 0; start < evaluation.length; start += batchSize) {
      const indices = Array.from({ length: Math.min(batchSize, evaluation.length - start) }, (_, i) => start + i);
      for (const batch of await this.feed.batches(evaluation, indices)) {
        await nextTurn();
        const reference = await this.objective.referenceLogProbs(batch, evaluation);
        tf.tidy(() => sums.add(this.objective.parts(batch, evaluationMode(this.runModel.adapter), reference)));
        disposeReference(reference);
      }
    }
    return await sums.averages();
  }

  private async batchesOf(step: number): Promise<Batch[]> {
    return await this.feed.batches(this.data.train, this.data.sampler.indices(step));
  }

  private learningRate(step: number): number {
    const { learningRate, warmupRatio, warmupSteps } = this.run.config.train;
    const total = this.run.totalSteps;
    const warmup = warmupSteps ?? Math.ceil(warmupRatio * total);
    return learningRate * this.schedule.value.factor(step, total, warmup, this.schedule.options);
  }

  private registerState(): void {
    const { variables } = this.runModel;
    const { fingerprint } = this.data.train;
    this.run.state.add('weights', {
      save: async () => ({ tensors: await hostTensors(variables) }),
      load: ({ tensors }) => loadVariables(variables, tensors ?? {}),
    });
    this.run.state.add('optimizer', this.optimizer);
    this.run.state.add('data', {
      save: () => ({ json: { fingerprint } }),
      load: ({ json }) => {
        const before = (json as { fingerprint: string }).fingerprint;
        if (before !== fingerprint) throw trainingErrors.dataChanged({ before, now: fingerprint });
      },
    });
    this.run.record['data'] = { fingerprint, rows: this.data.train.length, dropped: this.data.train.dropped.length };
  }

  private trainingMode(step: number, microbatch: number): ForwardMode {
    const { seed, gradientCheckpointing } = this.run.config.train;
    return {
      adapter: this.runModel.adapter,
      training: true,
      randomKey: { seed, stream: 'dropout', step, microbatch },
      gradientCheckpointing,
    };
  }
}

/** The loss terms of the config, with the options their plugins parsed. */
function configuredTerms(run: Run): LossTerm[] {
  return (run.config.choices['loss'] ?? []).map(({ name, options, weight }) => ({
    loss: chosen(run.container, LossToken, name, 'loss'),
    options: options as never,
    weight,
  }));
}

/** A batch-coupled loss must see its batches whole; with accumulation it differs from one large batch, so say it. */
function checkCoupling(run: Run, terms: readonly LossTerm[], coupling: 'item' | 'batch'): void {
  if (coupling === 'item') return;
  const losses = terms
    .filter(({ loss, options }) => loss.needs(options).coupling === 'batch')
    .map(({ loss }) => loss.name);
  const { maxTokensPerBatch, gradientAccumulation } = run.config.train;
  if (maxTokensPerBatch !== null) throw trainingErrors.batchCoupled({ losses });
  if (gradientAccumulation > 1) {
    run.logger.warn(
      `the items of ${losses.join(', ')} depend on their batch: ${gradientAccumulation} accumulated microbatches are not one large batch`,
    );
  }
}

/** @throws LLMF_TRAINING_REFERENCE_UNUSED when the config chose a reference that no loss compares with. */
function checkNoReference(run: Run, terms: readonly LossTerm[]): void {
  const reference = run.config.choices['reference']?.[0]?.name ?? 'auto';
  if (reference === 'auto') return;
  throw trainingErrors.referenceUnused({ reference, losses: terms.map(({ loss }) => loss.name) });
}

async function openReference(
  run: Run,
  { model, folder, adapter }: RunModel,
  rowSets: readonly RowSet[],
  wantsPrompt: boolean,
): Promise<Reference> {
  const { name, options } = run.config.choices['reference']![0]!;
  const strategy = chosen(run.container, ReferenceToken, name, 'reference');
  const context = { run, model, modelFolder: folder, adapter, rowSets, wantsPrompt };
  const reference = await strategy.prepare(context, options);
  run.logger.info(`reference: ${reference.description}`);
  return reference;
}

function disposeReference(reference: ReferenceLogProbs | null): void {
  reference?.logProb.dispose();
  reference?.promptLogProb?.dispose();
}

function disposeGradients({ gradients, norm, scale }: GradientsReady): void {
  for (const { value } of gradients.values()) value.dispose();
  norm?.dispose();
  scale?.dispose();
}
