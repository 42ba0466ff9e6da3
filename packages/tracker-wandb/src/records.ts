// SPDX-License-Identifier: Apache-2.0
/** Records of a run as wandb 0.31 writes them (wandb/proto/wandb_internal.proto; field numbers below). */
import { protobuf } from '@llmf/core';

const { delimited, fieldsOf, integer } = protobuf;

/** Numbers of one row of a run's history by name, `_step` among them. */
export type HistoryLine = Readonly<Record<string, number>>;

export interface RunFacts {
  readonly id: string;
  readonly project: string;
  readonly entity: string | null;
  readonly group: string | null;
  readonly name: string;
  readonly host: string;
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Counts the steps of optimizer updates, which metrics are drawn over. */
export const stepMetric = 'train/global_step';

/** Record: num 1, header 21; HeaderRecord: version_info 1; VersionInfo: producer 1, min_consumer 2. */
export const headerRecord = (): Buffer => record(21, delimited(1, delimited(1, 'llmf'), delimited(2, '0.70.0')));

/** Record: run 17; RunRecord: run_id 1, entity 2, project 3, config 4, run_group 6, display_name 8, host 13, start_time 17. */
export function runRecord(run: RunFacts): Buffer {
  const config = Object.entries(run.config).map(([key, value]) => delimited(1, delimited(1, key), json(value)));
  const seconds = Math.floor(run.startTime);
  const time = [integer(1, seconds), integer(2, Math.round((run.startTime - seconds) * 1e9))];
  return record(
    17,
    delimited(1, run.id),
    ...(run.entity === null ? [] : [delimited(2, run.entity)]),
    delimited(3, run.project),
    delimited(4, ...config),
    ...(run.group === null ? [] : [delimited(6, run.group)]),
    delimited(8, run.name),
    delimited(13, run.host),
    delimited(17, ...time),
  );
}

/**
 * Every metric is drawn over `train/global_step`, as Transformers defines it. Record: metric 12; MetricRecord: name 1,
 * glob_name 2, step_metric 4, options 6; MetricOptions: step_sync 1, defined 3.
 */
export const metricRecords = (): Buffer[] => [
  record(12, delimited(1, stepMetric), delimited(6, integer(3, 1))),
  record(12, delimited(2, '*'), delimited(4, stepMetric), delimited(6, integer(1, 1), integer(3, 1))),
];

/**
 * The config as the server keeps it, with the same definitions of metrics: `m` lists them by the numbers of MetricRecord's
 * fields, 5 the place of the step metric in the list (from 1), 6 the options that are set, as
 * wandb 0.31 makes it of the records above.
 */
export const configAtServer = ({ config }: RunFacts): object => ({
  ...Object.fromEntries(Object.entries(config).map(([key, value]) => [key, { value }])),
  _wandb: {
    value: {
      m: [
        { 1: stepMetric, 6: [3], 7: [] },
        { 2: '*', 5: 1, 6: [1], 7: [] },
      ],
    },
  },
});

/** Record: history 2; HistoryRecord: item 1, step 2; HistoryItem: nested_key 2, value_json 16; HistoryStep: num 1. */
export const historyRecord = (line: HistoryLine): Buffer =>
  record(2, ...items(line), delimited(2, integer(1, line['_step']!)));

/** Record: summary 3; SummaryRecord: update 1. The last value of each metric. */
export const summaryRecord = (line: HistoryLine): Buffer => record(3, ...items(line));

/** Record: exit 18; RunExitRecord: exit_code 1, runtime 2 (seconds). */
export const exitRecord = (code: number, runtime: number): Buffer =>
  record(18, integer(1, code), integer(2, Math.round(runtime)));

const record = (field: number, ...content: readonly Buffer[]): Buffer => delimited(field, ...content);
const json = (value: unknown): Buffer => delimited(16, JSON.stringify(value));
const items = (line: HistoryLine): Buffer[] =>
  Object.entries(line).map(([name, value]) => delimited(1, delimited(2, name), json(value)));

/** A record with its number in the file, from 1. */
export const numbered = (content: Buffer, number: number): Buffer => Buffer.concat([integer(1, number), content]);

/** The line that a record of the history holds; null: another record. */
export function historyOf(bytes: Buffer): HistoryLine | null {
  const history = fieldsOf(bytes).find(({ field }) => field === 2)?.value;
  if (!Buffer.isBuffer(history)) return null;
  const lines = fieldsOf(history).flatMap(({ field, value }) => (field === 1 ? [fieldsOf(value as Buffer)] : []));
  const text = (item: readonly protobuf.Field[], field: number) =>
    String(item.find((each) => each.field === field)?.value ?? '');
  return Object.fromEntries(lines.map((item) => [text(item, 2), Number(text(item, 16))]));
}
