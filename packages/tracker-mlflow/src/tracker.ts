// SPDX-License-Identifier: Apache-2.0
import { basename, join } from 'node:path';
import {
  defineTracker,
  MetricsLog,
  readIfThere,
  readSection,
  section,
  writeFileAtomic,
  type MetricsRow,
  type Plugin,
  type Run,
  type TrackedOutcome,
  type Tracker,
} from '@llmf/core';
import { z } from 'zod';
import { MlflowError, request, type MlflowServer } from './server.js';

export const mlflowOptions = z.strictObject({
  uri: z
    .url()
    .nullable()
    .default(null)
    .describe('Address of the tracking server; null: MLFLOW_TRACKING_URI, else http://localhost:5000.')
    .meta({ decides: false }),
  experiment: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Experiment the run belongs to; null: MLFLOW_EXPERIMENT_NAME, else llmf. Made where it does not exist.')
    .meta({ decides: false }),
  runName: z.string().min(1).nullable().default(null).describe("Name of the run; null: its folder's.").meta({
    decides: false,
  }),
});
export type MlflowOptions = z.infer<typeof mlflowOptions>;

const options = section<MlflowOptions>('mlflow', '@llmf/tracker-mlflow');

/** Milliseconds that one request may take. */
const timeoutMs = 10_000;
/** MLflow's limits of a batch: 100 parameters, 6,000 characters a value. */
const batchParameters = 100;
const longestValue = 6000;

/** Metrics and config at an MLflow server. */
export const trackerMlflow = (): Plugin =>
  defineTracker({
    name: 'tracker-mlflow',
    description: 'metrics and config at an MLflow server',
    options: mlflowOptions,
    section: 'mlflow',
    open: async (run) => {
      const { uri, experiment, runName } = readSection(run.config, options);
      const server = {
        url: uri ?? process.env['MLFLOW_TRACKING_URI'] ?? 'http://localhost:5000',
        timeoutMs,
        authorization: authorizationOf(process.env),
      };
      const known = await knownRun(run, server);
      if (known !== null) await request(server, 'POST', 'runs/update', { run_id: known.id, status: 'RUNNING' });
      const id = known?.id ?? (await newRun(run, server, experiment, runName ?? basename(run.output)));
      const tracker = new MlflowRun(server, id, known?.newest ?? new Map());
      // An earlier start may not have reached the server with all of them.
      for (const row of await new MetricsLog(run.output).rows()) await tracker.log(row);
      return tracker;
    },
  });

/** As MLflow's own client: a token, else name and password. */
export function authorizationOf(environment: Readonly<Record<string, string | undefined>>): string | null {
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: name,
    MLFLOW_TRACKING_PASSWORD: password,
  } = environment;
  if (token) return `Bearer ${token}`;
  if (!name) return null;
  return `Basic ${Buffer.from(`${name}:${password ?? ''}`).toString('base64')}`;
}

const idFile = (run: Run) => join(run.output, 'mlflow.json');

interface KnownRun {
  readonly id: string;
  /** Of each metric the newest step that the server has. */
  readonly newest: Map<string, number>;
}

interface RunAnswer {
  readonly run?: {
    readonly info?: { readonly lifecycle_stage?: string };
    readonly data?: { readonly metrics?: readonly { readonly key: string; readonly step: number | string }[] };
  };
}

/** The run that an earlier start of this one made, where the server still has it. */
async function knownRun(run: Run, server: MlflowServer): Promise<KnownRun | null> {
  const text = await readIfThere(idFile(run));
  if (text === null || run.step === 0) return null;
  const { url, runId } = JSON.parse(text) as { url: string; runId: string };
  if (url !== server.url) return null;
  try {
    const { run: found } = await request<RunAnswer>(server, 'GET', 'runs/get', { run_id: runId });
    if (found?.info?.lifecycle_stage === 'deleted') return null;
    return { id: runId, newest: new Map(found?.data?.metrics?.map(({ key, step }) => [key, Number(step)])) };
  } catch (error) {
    if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') return null;
    throw error;
  }
}

async function newRun(run: Run, server: MlflowServer, experiment: string | null, name: string): Promise<string> {
  const group = experiment ?? process.env['MLFLOW_EXPERIMENT_NAME'] ?? 'llmf';
  const made = await request<{ run: { info: { run_id: string } } }>(server, 'POST', 'runs/create', {
    experiment_id: await experimentId(server, group),
    run_name: name,
    start_time: Date.now(),
  });
  const id = made.run.info.run_id;
  await writeFileAtomic(idFile(run), `${JSON.stringify({ url: server.url, runId: id })}\n`);
  const params = parametersOf(run.config.resolved);
  for (let start = 0; start < params.length; start += batchParameters) {
    const part = params.slice(start, start + batchParameters);
    await request(server, 'POST', 'runs/log-batch', { run_id: id, params: part });
  }
  return id;
}

async function experimentId(server: MlflowServer, name: string): Promise<string> {
  try {
    const values = { experiment_name: name };
    const found = await request<{ experiment: { experiment_id: string } }>(
      server,
      'GET',
      'experiments/get-by-name',
      values,
    );
    return found.experiment.experiment_id;
  } catch (error) {
    if (!(error instanceof MlflowError) || error.code !== 'RESOURCE_DOES_NOT_EXIST') throw error;
    return (await request<{ experiment_id: string }>(server, 'POST', 'experiments/create', { name })).experiment_id;
  }
}

/** `train.learningRate` → its value as text. */
export function parametersOf(value: unknown, path = ''): { key: string; value: string }[] {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) => parametersOf(inner, path === '' ? key : `${path}.${key}`));
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === undefined ? [] : [{ key: path, value: text.slice(0, longestValue) }];
}

const statuses: Record<TrackedOutcome, string> = { finished: 'FINISHED', interrupted: 'KILLED', failed: 'FAILED' };

class MlflowRun implements Tracker {
  constructor(
    private readonly server: MlflowServer,
    private readonly id: string,
    private readonly newest: Map<string, number>,
  ) {}

  /** A server adds and never replaces: what an earlier start has sent of a step that is done again is not sent again. */
  async log({ step, ...metrics }: MetricsRow): Promise<void> {
    const numbers = Object.entries(metrics).flatMap(([key, value]) =>
      typeof value === 'number' && Number(step) > (this.newest.get(key) ?? -1)
        ? [{ key, value, timestamp: Date.now(), step: Number(step) }]
        : [],
    );
    if (numbers.length === 0) return;
    await request(this.server, 'POST', 'runs/log-batch', { run_id: this.id, metrics: numbers });
    for (const { key } of numbers) this.newest.set(key, Number(step));
  }

  async end(outcome: TrackedOutcome): Promise<void> {
    const values = { run_id: this.id, status: statuses[outcome], end_time: Date.now() };
    await request(this.server, 'POST', 'runs/update', values);
  }
}
