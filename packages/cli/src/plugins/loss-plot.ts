// SPDX-License-Identifier: Apache-2.0
import { basename, join } from 'node:path';
import { apiVersion, readText, writeFileAtomic, type MetricsRow, type Plugin } from '@llmf/core';
import { figure } from '../plot/figure.js';
import { metricPanel } from '../plot/metric-panel.js';

/** Writes `loss.svg` when a run ends, from metrics.jsonl, so that a resumed run is drawn whole. */
export function lossPlot(): Plugin {
  return {
    name: 'loss-plot',
    apiVersion,
    description: 'loss.svg at the end of a run',
    apply: ({ hooks }) =>
      hooks.run.tap('loss-plot', (run) =>
        run.hooks.end.tapPromise('loss-plot', async () => {
          const rows = parseRows(await readText(join(run.output, 'metrics.jsonl')));
          await writeFileAtomic(join(run.output, 'loss.svg'), lossFigure(rows, basename(run.output)));
        }),
      ),
  };
}

/** The loss and, where rows have it, the reward accuracy. */
export function lossFigure(rows: readonly MetricsRow[], title: string): string {
  const loss = metricPanel(rows, 'loss', { title: `${title}: loss` });
  const accuracy = metricPanel(rows, 'rewards/accuracies', {
    title: 'share of pairs whose chosen answer has the higher reward',
    yLabel: 'reward accuracy',
    range: [0, 1],
  });
  return figure([loss, ...(accuracy.series.length > 0 ? [accuracy] : [])], 'step');
}

const parseRows = (text: string): MetricsRow[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as MetricsRow);
