// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { formatBytes, formatDuration, formatNumber, MetricsLog, writeFileAtomic, type MetricsRow } from '@llmf/core';
import { metricPanel } from '../plot/metric-panel.js';
import { figure } from '../plot/figure.js';
import { escaped } from '../plot/escaped.js';
import { page, table } from '../plot/page.js';
import type { Pipeline, StageEntry } from './pipeline-file.js';
import type { FinishedStage, PipelineRecord } from './pipeline-record.js';
import { stageFolder } from './stage-config.js';

/** What a finished stage is shown by. */
export interface StageReport {
  readonly name: string;
  /** `ppo, from sft and reward`; `command merge, from sft` */
  readonly kind: string;
  readonly seconds: number;
  /** 0 for a command. */
  readonly steps: number;
  readonly peakMemoryBytes: number | null;
  /** The first and the last value of each metric, held-out ones first. */
  readonly metrics: readonly MetricChange[];
  readonly rows: readonly MetricsRow[];
}

export interface MetricChange {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** Of a run rather than of what it learns. */
const bookkeeping: ReadonlySet<string> = new Set([
  'step',
  'epoch',
  'learningRate',
  'stepSeconds',
  'tokensPerSecond',
  'computedTokensPerSecond',
  'peakMemoryBytes',
  'eval_seconds',
]);

/** Writes `report.html` (one page, nothing loaded from elsewhere) and `report.json` into the pipeline's folder. */
export async function writeReport(pipeline: Pipeline, record: PipelineRecord): Promise<void> {
  const finished = pipeline.stages.flatMap((stage) => {
    const facts = record.get(stage.name);
    return facts === null ? [] : [[stage, facts] as const];
  });
  const stages = await Promise.all(finished.map(([stage, facts]) => stageReport(pipeline, stage, facts)));
  const folder = join(pipeline.folder, pipeline.output);
  const facts = stages.map(({ rows: _rows, ...stage }) => stage);
  await writeFileAtomic(join(folder, 'report.json'), `${JSON.stringify({ stages: facts }, null, 2)}\n`);
  await writeFileAtomic(join(folder, 'report.html'), reportPage(pipeline, stages));
}

async function stageReport(pipeline: Pipeline, stage: StageEntry, facts: FinishedStage): Promise<StageReport> {
  const rows = await new MetricsLog(join(pipeline.folder, stageFolder(pipeline, stage.name))).rows();
  const peaks = rows.flatMap(({ peakMemoryBytes }) => (typeof peakMemoryBytes === 'number' ? [peakMemoryBytes] : []));
  const from = Object.keys(facts.from);
  const what = stage.kind === 'command' ? `command ${stage.command}` : 'training';
  return {
    name: stage.name,
    kind: from.length === 0 ? what : `${what}, from ${from.join(' and ')}`,
    seconds: facts.seconds,
    steps: Number(rows.at(-1)?.['step'] ?? 0),
    peakMemoryBytes: peaks.length === 0 ? null : Math.max(...peaks),
    metrics: changesIn(rows),
    rows,
  };
}

/** Each metric's first and last value. */
export function changesIn(rows: readonly MetricsRow[]): MetricChange[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !bookkeeping.has(name));
  const changes = names.flatMap((name) => {
    const values = rows.map((row) => row[name]).filter((value): value is number => Number.isFinite(value));
    return values.length === 0 ? [] : [{ name, first: values[0]!, last: values.at(-1)! }];
  });
  const isHeldOut = ({ name }: MetricChange) => name.startsWith('eval_');
  return [...changes.filter(isHeldOut), ...changes.filter((change) => !isHeldOut(change))];
}

/** One line a stage, for the terminal. */
export function reportLines(stages: readonly Omit<StageReport, 'rows'>[]): string[] {
  const width = Math.max(...stages.map(({ name }) => name.length));
  return stages.map(({ name, seconds, steps, metrics }) => {
    const shown = metrics.slice(0, 4).map(({ name: metric, first, last }) => `${metric} ${changeText(first, last)}`);
    return [name.padEnd(width), formatDuration(seconds), ...(steps > 0 ? [`${steps} steps`] : []), ...shown].join('  ');
  });
}

const changeText = (first: number, last: number): string =>
  first === last ? formatNumber(last) : `${formatNumber(first)} → ${formatNumber(last)}`;

const reportPage = ({ input, output }: Pipeline, stages: readonly StageReport[]): string =>
  page(output, [
    overview(stages),
    ...stages.map(stageSection),
    `<h2>The pipeline</h2><pre>${escaped(JSON.stringify(input.raw, null, 2))}</pre>`,
  ]);

function overview(stages: readonly StageReport[]): string {
  const rows = stages.map(({ name, steps, seconds, peakMemoryBytes }) => [
    `<a href="#${name}">${name}</a>`,
    steps > 0 ? String(steps) : '',
    formatDuration(seconds),
    peakMemoryBytes === null ? '' : formatBytes(peakMemoryBytes, { binary: true }),
  ]);
  return table(['stage', 'steps', 'time', 'peak memory of the process so far'], rows);
}

function stageSection({ name, kind, metrics, rows }: StageReport): string {
  const drawn = metrics.filter((change) => !change.name.startsWith('eval_'));
  const [main, ...others] = drawn.map((change) => figure([metricPanel(rows, change.name)], 'step'));
  const values = metrics.map((change) => [escaped(change.name), formatNumber(change.first), formatNumber(change.last)]);
  return [
    `<h2 id="${name}">${name} <span class="kind">${escaped(kind)}</span></h2>`,
    values.length === 0 ? '' : table(['metric', 'first', 'last'], values),
    main ?? '',
    others.length === 0 ? '' : `<details><summary>${others.length} more curves</summary>${others.join('\n')}</details>`,
  ].join('\n');
}
