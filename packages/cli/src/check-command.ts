// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LossToken,
  resolveConfig,
  StageToken,
  TrainingRun,
  type Choice,
  type DroppedRow,
  type EngineImplementation,
  type Logger,
  type RunConfig,
} from '@llmf/core';
import { describeSplit, descriptionLines, openData, tokenizerOfRun, type RowView } from '@llmf/data';
import { composeEngine } from './compose-engine.js';
import { Display } from './display.js';
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
  const scratch = await mkdtemp(join(tmpdir(), 'llmf-check-'));
  try {
    const { raw, source, folder } = withPlugins(input, plugins);
    const config = await resolveConfig(engine, raw, { source, named });
    const run = new TrainingRun(config, engine.container.createChild(), scratch, folder, withoutWarnings(display));
    await engine.hooks.run.promise(run);
    for (const line of choiceLines(engine, config)) display.info(line);
    await describeData(engine, run, display, allRows);
    await run.hooks.shutdown.promise();
  } finally {
    await engine.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What data warns of is listed below in full; its report would lie in a folder that is removed. */
const withoutWarnings = (display: Display): Logger => ({ info: (line) => display.info(line), warn: () => {} });

/** What the run would be: every choice with its options, and how rows become steps. */
function choiceLines(engine: EngineImplementation, { choices, train }: RunConfig): string[] {
  const chosen = engine.slots.map(({ key }) => {
    return `${key}: ${(choices[key] ?? []).map(choiceText).join(' + ')}`;
  });
  const rows = train.batchSize * train.gradientAccumulation;
  const coupled = (choices['loss'] ?? []).filter(
    ({ name, options }) => engine.find(LossToken, name).needs(options as never).coupling === 'batch',
  );
  const warnings = coupled.map(
    ({ name }) =>
      `loss ${name} depends on all rows of a microbatch: ${train.batchSize} × ${train.gradientAccumulation} rows differ from ${rows} × 1`,
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

async function describeData(
  engine: EngineImplementation,
  run: TrainingRun,
  display: Display,
  allRows: boolean,
): Promise<void> {
  const stage = engine.find(StageToken, run.config.choices['stage']![0]!.name);
  const columns = (run.config.choices['loss'] ?? []).flatMap(
    ({ name, options }) => engine.find(LossToken, name).needs(options as never).columns ?? [],
  );
  const data = await openData(run, { rows: stage.rows, columns: [...new Set(columns)] });
  const tokenizer = await tokenizerOfRun(run).then(
    ({ tokenizer: found }) => found,
    () => null, // rows of token ids need none; openData has told where one is missing
  );
  for (const [split, view] of Object.entries(data) as [string, RowView | null][]) {
    if (view === null) continue;
    display.info(`\n${split}`);
    for (const line of descriptionLines(await describeSplit(view, tokenizer))) display.info(line);
    for (const line of droppedLines(view.dropped, allRows ? Infinity : listedRows)) display.info(line);
  }
  await data.train.close();
  await data.eval?.close();
}

function droppedLines(dropped: readonly DroppedRow[], most: number): string[] {
  const lines = dropped
    .slice(0, most)
    .map(({ source, row, action, reason }) => `  row ${row} of ${source} ${action}: ${reason}`);
  return dropped.length > most ? [...lines, `  and ${dropped.length - most} more (--all-rows lists them)`] : lines;
}
