// SPDX-License-Identifier: Apache-2.0
import { formatDuration, formatNumber } from '@llmf/core';
import { bestOf, importances, type Trial } from '@llmf/sweep';
import { stringify } from 'yaml';
import { escaped } from '../plot/escaped.js';
import { figure, type Panel } from '../plot/figure.js';
import { page, table } from '../plot/page.js';
import { parallelCoordinates } from './parallel-coordinates.js';
import { nested } from './nested.js';
import type { Sweep } from './sweep-file.js';

/** A sweep as one page that loads nothing from elsewhere. */
export function sweepPage(sweep: Sweep, trials: readonly Trial[]): string {
  const best = bestOf(trials, sweep.direction);
  const isLessBetter = sweep.direction === 'minimize';
  return page(sweep.name, [
    `<p>${overview(sweep, trials)}</p>`,
    ...(best === null ? [] : bestSection(sweep, best)),
    '<h2>Parameters and what came out</h2>',
    '<p>A line a trial; the better, the darker. Dashed: stopped early.</p>',
    parallelCoordinates(trials, sweep.metric, isLessBetter),
    ...importanceSection(trials, sweep.metric),
    ...curveSection(sweep, trials),
    '<h2>Trials</h2>',
    trialTable(sweep, trials),
  ]);
}

function overview({ metric, direction, trials: wanted }: Sweep, trials: readonly Trial[]): string {
  const count = (state: string) => trials.filter((trial) => trial.state === state).length;
  const parts = [
    `${count('complete')} complete`,
    `${count('pruned')} stopped early`,
    `${count('failed')} failed`,
    `${count('running')} running`,
  ];
  return `${wanted} trials, to ${direction} ${escaped(metric)}: ${parts.join(', ')}.`;
}

const bestSection = ({ metric }: Sweep, best: Trial): string[] => [
  '<h2>Best config</h2>',
  `<p>Trial ${best.number}: ${escaped(metric)} ${formatNumber(best.value!)}. In best.yaml; laid over the config:</p>`,
  `<pre>${escaped(stringify(nested(best.params)))}</pre>`,
];

function importanceSection(trials: readonly Trial[], metric: string): string[] {
  const shares = Object.entries(importances(trials)).toSorted(([, one], [, other]) => other - one);
  if (shares.length === 0) return [];
  const rows = shares.map(([name, share]) => [escaped(name), bar(share), share.toFixed(2)]);
  const meaning = `The share of the differences in rank of ${escaped(metric)} that goes with the parameter by itself: Spearman’s ρ² of numbers, η² of choices.`;
  return ['<h2>Importance</h2>', `<p>${meaning}</p>`, table(['parameter', '', 'share'], rows)];
}

const bar = (share: number): string =>
  `<svg width="240" height="14" role="img" aria-label="${share.toFixed(2)}"><rect width="240" height="14" fill="#eef3f8"/><rect width="${(240 * share).toFixed(1)}" height="14" fill="#1f5f9e"/></svg>`;

/** The metric of each trial in order, and the best so far. */
function curveSection({ metric, direction }: Sweep, trials: readonly Trial[]): string[] {
  const complete = trials.filter(({ state, value }) => state === 'complete' && value !== null);
  if (complete.length < 2) return [];
  const pick = direction === 'minimize' ? Math.min : Math.max;
  let best = complete[0]!.value!;
  const points = complete.map(({ number, value }) => [number, value!] as const);
  const panel: Panel = {
    title: `${metric} by trial`,
    yLabel: metric,
    series: [
      { label: 'trial', style: 'marked', points },
      {
        label: 'best so far',
        style: 'line',
        points: points.map(([number, value]) => [number, (best = pick(best, value))]),
      },
    ],
  };
  return ['<h2>In the order of trials</h2>', figure([panel], 'trial')];
}

function trialTable({ metric }: Sweep, trials: readonly Trial[]): string {
  const names = Object.keys(trials[0]?.params ?? {});
  const shown = (value: unknown) => (typeof value === 'number' ? formatNumber(value) : escaped(String(value)));
  const rows = trials.map((trial) => [
    String(trial.number),
    trial.state,
    ...names.map((name) => shown(trial.params[name])),
    trial.value === null ? '' : formatNumber(trial.value),
    String([...trial.intermediate.keys()].at(-1) ?? ''),
    trial.started === null || trial.ended === null
      ? ''
      : formatDuration((Date.parse(trial.ended) - Date.parse(trial.started)) / 1000),
  ]);
  return table(['trial', 'state', ...names.map(escaped), escaped(metric), 'last step', 'time'], rows);
}
