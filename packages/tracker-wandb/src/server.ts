// SPDX-License-Identifier: Apache-2.0
/**
 * The part of W&B's interface that a run needs, as wandb 0.31 uses it: one GraphQL mutation that makes or finds the run, and
 * a stream of lines, each at its place, so that sending them again changes nothing.
 */
import type { HistoryLine, RunFacts } from './records.js';

export interface WandbServer {
  readonly url: string;
  readonly key: string;
  readonly timeoutMs: number;
}

/** Where the run lies at the server. */
export interface RemoteRun {
  readonly entity: string;
  readonly project: string;
  readonly id: string;
}

const upsert = `mutation UpsertBucket($name: String, $project: String, $entity: String, $groupName: String, $displayName: String, $config: JSONString, $host: String) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, groupName: $groupName, displayName: $displayName, config: $config, host: $host}) {
    bucket { id name project { name entity { name } } }
  }
}`;

interface Upserted {
  readonly upsertBucket: {
    readonly bucket: {
      readonly name: string;
      readonly project: { readonly name: string; readonly entity: { readonly name: string } };
    };
  } | null;
}

/** Makes the run, or finds it again by its id. @throws Error with what the server said */
export async function openRun(server: WandbServer, run: RunFacts, config: object): Promise<RemoteRun> {
  const variables = {
    name: run.id,
    project: run.project,
    entity: run.entity,
    groupName: run.group,
    displayName: run.name,
    config: JSON.stringify(config),
    host: run.host,
  };
  const body = { query: upsert, variables, operationName: 'UpsertBucket' };
  const answer = await post<{ data?: Upserted; errors?: { message: string }[] }>(server, '/graphql', body);
  const bucket = answer.data?.upsertBucket?.bucket;
  if (bucket === undefined) {
    throw new Error(`${new URL(server.url).host} made no run: ${answer.errors?.[0]?.message ?? 'no reason given'}`);
  }
  return { entity: bucket.project.entity.name, project: bucket.project.name, id: bucket.name };
}

export interface Sent {
  /** Lines of the history and the place of the first. */
  readonly lines?: { readonly offset: number; readonly content: readonly HistoryLine[] };
  /** Last values. */
  readonly summary?: HistoryLine;
  readonly exitCode?: number;
}

export async function send(server: WandbServer, run: RemoteRun, { lines, summary, exitCode }: Sent): Promise<void> {
  const files = {
    ...(lines === undefined
      ? {}
      : {
          'wandb-history.jsonl': { offset: lines.offset, content: lines.content.map((line) => JSON.stringify(line)) },
        }),
    ...(summary === undefined ? {} : { 'wandb-summary.json': { offset: 0, content: [JSON.stringify(summary)] } }),
  };
  const path = ['files', run.entity, run.project, run.id, 'file_stream'].map(encodeURIComponent).join('/');
  await post(server, `/${path}`, { files, ...(exitCode === undefined ? {} : { complete: true, exitcode: exitCode }) });
}

async function post<T>({ url, key, timeoutMs }: WandbServer, path: string, body: object): Promise<T> {
  const address = new URL(url.replace(/\/$/, '') + path);
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`api:${key}`).toString('base64')}`,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: Error & { cause?: Error }) => {
    throw new Error(`no answer from ${address.host} (${error.cause?.message ?? error.message})`);
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${address.host} answered ${response.status} to ${path}: ${text.slice(0, 200)}`);
  return (text === '' ? {} : JSON.parse(text)) as T;
}
