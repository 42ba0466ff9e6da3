// SPDX-License-Identifier: Apache-2.0
import type { MetricsRow } from '@llmf/core';
import type { Panel, Series } from './figure.js';
import { smoothed } from './smoothed.js';

/** One metric over the steps of a run: raw, smoothed and held-out. */
export function metricPanel(rows: readonly MetricsRow[], metric: string, labels: Partial<Panel> = {}): Panel {
  return { title: metric, yLabel: metric, ...labels, series: seriesOf(rows, metric) };
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
