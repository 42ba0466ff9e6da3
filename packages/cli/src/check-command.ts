// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  availableBytes,
  checkpointingText,
  checkReference,
  estimateMemory,
  trainingMemory,
  DataServiceToken,
  lossChoices,
  LossToken,
  lossTermsOf,
  noLoss,
  openPolicy,
  parameterSettings,
  peakLearningRate,
  Rows,
  unreachedPeak,
  type DroppedRow,
  type LossStage,
  type Policy,
  type StageParts,
} from '@llmf/training';
import {
  checkOutputFolder,
  formatBytes,
  LlmfError,
  placeError,
  resolveConfig,
  StageToken,
  startBackend,
  stepCount,
  temporaryFolder,
  TrainingRun,
  unevaluated,
  type Choice,
  type EngineImplementation,
  type Logger,
  type RunConfig,
  type Stage,
} from '@llmf/core';
import { cutLengths, describeSplit, descriptionLines, tokenizerOfRun } from '@llmf/data';
import { composeEngine } from './compose-engine.js';
import { Display } from './display.js';
import { formatSizes, peaksText, sizesText, type FormatSizes } from './format-sizes.js';
import type { CliIo } from './io.js';
import { readInput, withPlugins } from './read-input.js';

/** Rows that are listed one by one unless all are asked for. */
const listedRows = 20;

export async function checkCommand(
  io: CliIo,
  words: readonly string[],
  { plugins, allRows }: { plugins: readonly string[]; allRows: boolean },
): Promise<void> {
  const input = await readInput(io.folder, words, 'llmf check');
  const { engine, named } = await composeEngine({ folder: io.folder, plugins, input });
  const display = new Display(io);
  const scratch = await temporaryFolder('llmf-check');
  try {
    const { raw, source, folder } = withPlugins(input, plugins);
    const config = await resolveConfig(engine, raw, { source, named, folder });
    const logger = new CheckLogger(display);
    const run = new TrainingRun(config, engine.container.createChild(), scratch, folder, logger);
    try {
      await describeRun(engine, run, display, logger, allRows);
    } catch (error) {
      throw placeError(error, source, config);
    } finally {
      await run.hooks.shutdown.promise();
    }
  } finally {
    await engine.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Says what a run would be, and refuses what `train` would refuse before its first step. */
async function describeRun(
  engine: EngineImplementation,
  run: TrainingRun,
  display: Display,
  logger: CheckLogger,
  allRows: boolean,
): Promise<void> {
  const { config } = run;
  await engine.hooks.run.promise(run);
  for (const line of choiceLines(engine, config)) display.info(line);
  await checkOutputFolder(resolve(run.folder, config.output));
  const { name, options } = config.choices['stage']![0]!;
  const stage = engine.find(StageToken, name);
  await stage.check?.(run, options);
  const { backend } = await startBackend(engine, run.container, config.choices['backend']?.[0], logger);
  display.info(`computes on ${backend.description}`);
  const sizes = await formatSizes(run);
  display.info(sizesText(sizes));
  let programBytes = process.memoryUsage().rss;
  const own = await partsOf(run, stage, options);
  const hasTerms = own.terms !== undefined || stage.defaults?.['loss'] !== noLoss;
  const needs = hasTerms ? lossTermsOf(run, stage, own.terms).needs : null;
  const policy = await outlinedPolicy(run, needs?.heads, display);
  parameterSettings(policy.variables, config.train);
  if (needs !== null && needs.reference !== 'none') await checkReference(run, policy, needs.span === 'all');
  peakLearningRate(run, stage, policy);
  logger.isQuiet = true;
  const loadedBytes = process.memoryUsage().rss;
  if (stage.rows === 'tasks') return display.info('\nthe rows of its tasks are read when it trains');
  const rows = await Rows.open(run, policy.model, {
    rows: stage.rows,
    columns: needs?.columns ?? [],
    ...(own.labels !== undefined && { labels: own.labels }),
    ...(own.changes !== undefined && { changes: own.changes }),
  });
  await describeData(run, rows, display, allRows);
  const steps = stepCount(config, rows.stepsPerEpoch);
  display.info(`\n${steps} steps`);
  for (const line of withoutEffect(run, rows, steps)) display.warn(line);
  programBytes += Math.max(0, process.memoryUsage().rss - loadedBytes);
  display.info(`\n${memoryText(policy, run, longestPass(run, rows), programBytes, sizes)}`);
}

/** What the config asks for in vain, as `train` says it. */
const withoutEffect = ({ config }: TrainingRun, { evaluation }: Rows, steps: number): string[] =>
  [unreachedPeak(config.train, steps), (evaluation?.length ?? 0) > 0 ? null : unevaluated(config)].filter(
    (line) => line !== null,
  );

/** The policy before loading: shapes and forms of its weights are all that is told of them, unless an adapter asks for more. */
async function outlinedPolicy(run: TrainingRun, heads: Parameters<typeof openPolicy>[1], display: Display) {
  try {
    return await openPolicy(run, heads, { outline: true });
  } catch (error) {
    if (!LlmfError.is(error) || error.code !== 'LLMF_NN_WEIGHT_NOT_READ') throw error;
    display.info('the adapter begins with the values of the weights, so the model is loaded');
    return await openPolicy(run, heads);
  }
}

/** What the stage itself brings, where it minimises losses. */
const partsOf = async (run: TrainingRun, stage: Stage, options: Record<string, unknown>): Promise<StageParts> =>
  (await (stage as Stage & Partial<LossStage>).parts?.(run, options as never)) ?? {};

/** Quiet while data is opened: what it warns of is listed in full, and its report would lie in a folder that is removed. */
class CheckLogger implements Logger {
  isQuiet = false;

  constructor(private readonly display: Display) {}

  info(line: string): void {
    this.display.info(line);
  }

  warn(line: string): void {
    if (!this.isQuiet) this.display.warn(line);
  }
}

/** What the run would be: every choice with its options, and how rows become steps. */
function choiceLines(engine: EngineImplementation, { choices, train }: RunConfig): string[] {
  const chosen = engine.slots.map(({ key }) => {
    return `${key}: ${(choices[key] ?? []).map(choiceText).join(' + ')}`;
  });
  const rows = train.batchSize * train.gradientAccumulation;
  const coupled = lossChoices(choices['loss']).filter(
    ({ name, options }) => engine.find(LossToken, name).needs(options as never).coupling === 'batch',
  );
  const warnings = coupled.map(
    ({ name }) =>
      `loss ${name} depends on all rows of a batch: ${train.batchSize} × ${train.gradientAccumulation} rows differ from ${rows} × 1`,
  );
  return [
    ...chosen,
    `batch ${train.batchSize} × ${train.gradientAccumulation} accumulation = ${rows} rows per step`,
    ...(train.gradientAccumulation > 1 ? warnings : []),
  ];
}

/** `lora (rank 8, dropout 0)`, with its weight where that is not 1. */
function choiceText({ name, options, weight }: Choice): string {
  const shown = Object.entries(options).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${weight === 1 ? '' : `${weight} × `}${name}${shown.length > 0 ? ` (${shown.join(', ')})` : ''}`;
}

/** Prints what the data is like. */
async function describeData(run: TrainingRun, rows: Rows, display: Display, allRows: boolean): Promise<void> {
  const tokenizer = await tokenizerOfRun(run).then(
    ({ tokenizer: found }) => found,
    () => null, // rows of token ids need none; opening the rows has told where one is missing
  );
  for (const [split, view] of Object.entries({ train: rows.train, eval: rows.evaluation })) {
    if (view === null) continue;
    display.info(`\n${split}`);
    for (const line of descriptionLines(await describeSplit(view, tokenizer))) display.info(line);
    for (const line of droppedLines(view.dropped, allRows ? Infinity : listedRows)) display.info(line);
  }
}

/** Tokens of the longest pass of an epoch, a pair's prompt counted once. */
function longestPass(run: TrainingRun, { train, passLimits }: Rows): number {
  const { batchSize, gradientAccumulation } = run.config.train;
  const service = run.container.resolve(DataServiceToken);
  const sampler = service.sampler(run, { rows: train, rowsPerStep: batchSize * gradientAccumulation });
  let longest = 0;
  for (let step = 1; step <= sampler.stepsPerEpoch; step++) {
    const lengths = sampler.indices(step).map((index) => train.tokensOf(index));
    for (const pass of cutLengths(lengths, passLimits)) {
      longest = Math.max(
        longest,
        pass.reduce((sum, length) => sum + length, 0),
      );
    }
  }
  return longest;
}

function memoryText(
  policy: Policy,
  run: TrainingRun,
  tokens: number,
  programBytes: number,
  sizes: FormatSizes,
): string {
  const facts = { ...trainingMemory(run, policy, tokens), programBytes };
  const { total } = estimateMemory({ ...facts, gradientCheckpointing: false });
  const { gradientCheckpointing: given } = run.config.train;
  const gradientCheckpointing = given ?? total > availableBytes();
  const estimate = estimateMemory({ ...facts, gradientCheckpointing });
  const text = (bytes: number) => formatBytes(bytes, { binary: true });
  return [
    `memory: about ${text(estimate.total)} at the peak, for passes of up to ${tokens} tokens`,
    `  program and data           ${text(estimate.program)}`,
    `  weights                    ${text(estimate.weights)}`,
    `  gradients and optimizer    ${text(estimate.training)}`,
    `  kept for the reverse pass  ${text(estimate.activations)}`,
    ...(estimate.head > 0 ? [`  logits                     ${text(estimate.head)}`] : []),
    ...(given === null && gradientCheckpointing ? [checkpointingText(total)] : []),
    ...(isFrozen(policy) ? [peaksText(estimate.total, sizes)] : []),
  ].join('\n');
}

const isFrozen = ({ model }: Policy): boolean => [...model.parameters.values()].every(({ trainable }) => !trainable);

function droppedLines(dropped: readonly DroppedRow[], most: number): string[] {
  const lines = dropped
    .slice(0, most)
    .map(({ source, row, action, reason }) => `  row ${row} of ${source} ${action}: ${reason}`);
  return dropped.length > most ? [...lines, `  and ${dropped.length - most} more (--all-rows lists them)`] : lines;
}
