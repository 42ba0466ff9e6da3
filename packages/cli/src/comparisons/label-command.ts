// SPDX-License-Identifier: Apache-2.0
import { relative, resolve } from 'node:path';
import { isThereSync, writeFileAtomic } from '@llmf/core';
import { Display } from '../display.js';
import type { CliIo } from '../io.js';
import { labelByHand } from './by-hand.js';
import { pairsByScore, rankingsByScore, scoresByReward } from './by-reward.js';
import { comparisonErrors } from './comparison-errors.js';
import { comparisonsOf, LabelJournal, pairsOf } from './labels.js';
import { readSampleRows, type SampleRow } from './sample-row.js';

export interface LabelFlags {
  readonly output: string;
  readonly perPrompt: number;
  readonly seed: number;
  readonly rows: 'pairs' | 'rankings';
  readonly margin: number;
  readonly resume?: boolean;
  readonly plugin?: readonly string[];
}

/** Turns samples into preference rows: by hand, or, where `rewards=…` is among the settings, by a reward. */
export async function labelCommand(
  io: CliIo,
  samples: string,
  settings: readonly string[],
  flags: LabelFlags,
): Promise<void> {
  const output = resolve(io.folder, flags.output);
  const file = resolve(io.folder, samples);
  const rows = await readSampleRows(file);
  const isByHand = settings.length === 0;
  if (flags.resume !== true && isThereSync(output)) {
    throw comparisonErrors.outputExists({ file: output, command: 'llmf label' });
  }
  const display = new Display(io);
  try {
    const labelled = isByHand
      ? await handLabels(io, rows, { output, samples: relative(io.folder, file), flags })
      : await rewardLabels(io, { rows, samples }, settings, flags, display);
    await writeFileAtomic(output, labelled.map((row) => `${JSON.stringify(row)}\n`).join(''));
    display.close();
    display.info(`${labelled.length} rows: ${flags.output}`);
  } finally {
    display.close();
  }
}

async function handLabels(
  io: CliIo,
  rows: readonly SampleRow[],
  { output, samples, flags }: { output: string; samples: string; flags: LabelFlags },
): Promise<readonly object[]> {
  const { perPrompt, seed } = flags;
  const comparisons = comparisonsOf(rows, perPrompt, seed);
  if (comparisons.length === 0) throw comparisonErrors.nothingToCompare({ file: samples });
  const journal = await LabelJournal.open(`${output}.labels`, comparisons, { samples, seed });
  try {
    await labelByHand(io, rows, comparisons, journal);
    return pairsOf(rows, comparisons, journal.verdicts);
  } finally {
    await journal.close();
  }
}

async function rewardLabels(
  io: CliIo,
  { rows, samples }: { readonly rows: readonly SampleRow[]; readonly samples: string },
  settings: readonly string[],
  { plugin: plugins = [], rows: kind, margin }: LabelFlags,
  display: Display,
): Promise<readonly object[]> {
  const request = { settings, plugins, logger: display };
  const scores = await scoresByReward(io, rows, request, (done) => display.setLive(`${done}/${rows.length} prompts`));
  const labelled = kind === 'pairs' ? pairsByScore(rows, scores, margin) : rankingsByScore(rows, scores);
  if (labelled.length > 0) return labelled;
  const unscored = scores.flat().filter((score) => score === null).length;
  throw comparisonErrors.nothingPreferred({ file: samples, prompts: rows.length, unscored, margin });
}
