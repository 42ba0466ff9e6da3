// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { apiVersion, writeFileAtomic, type MetricsRow, type Plugin } from '@llmf/core';
import { figure, type Panel, type Series } from '../plot/figure.js';
import { smoothed } from '../plot/smoothed.js';

/** Writes `loss.svg` when a run ends, from metrics.jsonl, so that a resumed run is drawn whole. */
export function lossPlot(): Plugin {
  return {
    name: 'loss-plot',
    apiVersion,
    description: 'loss.svg at the end of a run',
    apply: ({ hooks }) =>
      hooks.run.tap('loss-plot', (run) =>
        run.hooks.end.tapPromise('loss-plot', async () => {
          const rows = parseRows(await readFile(join(run.output, 'metrics.jsonl'), 'utf8'));
          await writeFileAtomic(join(run.output, 'loss.svg'), lossFigure(rows, basename(run.output)));
        }),
      ),
  };
}

/** The loss and, where rows have it, the reward accuracy: raw, smoothed and held-out. */
export function lossFigure(rows: readonly MetricsRow[], title: string): string {
  const loss: Panel = { title: `${title}: loss`, yLabel: 'loss', series: seriesOf(rows, 'loss') };
  const accuracy: Panel = {
    title: 'share of pairs whose chosen answer has the higher reward',
    yLabel: 'reward accuracy',
    range: [0, 1],
    series: seriesOf(rows, 'rewards/accuracies'),
  };
  return figure([loss, ...(accuracy.series.length > 0 ? [accuracy] : [])], 'step');
}

function seriesOf(rows: readonly MetricsRow[], metric: string): Series[] {
  const train = points(rows, metric);
  const held = points(rows, `eval_${metric}`);
  const series: Series[] = [];
  if (train.length > 0) series.push({ label: 'each step', style: 'raw', points: train });
  if (train.length > 4) series.push({ label: 'smoothed', style: 'line', points: smoothed(train) });
  if (held.length > 0) series.push({ label: 'held-out', style: 'marked', points: held });
  return series;
}

function points(rows: readonly MetricsRow[], metric: string): (readonly [number, number])[] {
  return rows.flatMap(({ step, [metric]: value }) =>
    typeof step === 'number' && typeof value === 'number' && Number.isFinite(value) ? [[step, value] as const] : [],
  );
}

const parseRows = (text: string): MetricsRow[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as MetricsRow);
