// SPDX-License-Identifier: Apache-2.0
/** Trackers keep what metrics.jsonl has, and can neither stop nor change a run. */
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, repository, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const words = (name: string, tracker: string | null, ...more: string[]) => [
  'train',
  '--plugin',
  'loss-simpo',
  ...(tracker === null ? [] : ['--plugin', join(repository, 'packages', tracker)]),
  `output=runs/${name}`,
  'train.logEvery=1',
  'train.saveEvery=2',
  'train.evalOnStart=false',
  ...more,
];
const output = (name: string) => join(copy.folder, 'runs', name);
const weights = (name: string) => sha256(join(output(name), 'model.safetensors'));

/** Events of a file of TFRecords: step and scalars by tag, and the step of a session that starts. */
function eventsOf(bytes: Buffer): { step: number; tags: string[]; isStart: boolean }[] {
  const events = [];
  for (let at = 0; at + 12 <= bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const event = bytes.subarray(at + 12, at + 12 + length);
    const step = event[9] === 0x10 ? varint(event, 10) : 0; // behind the time: field 2, a varint
    const tags = [...event.toString('latin1').matchAll(/(?:train|eval)\/[\w/]+/g)].map(([tag]) => tag);
    events.push({ step, tags, isStart: event.toString('latin1').endsWith('\x3a\x02\x08\x01') });
    at += 16 + length;
  }
  return events;
}

function varint(bytes: Buffer, at: number): number {
  const [low = 0, high = 0] = bytes.subarray(at);
  return low < 0x80 ? low : (low & 0x7f) + high * 128;
}

describe('tracker-tensorboard', () => {
  it('keeps every step once over an interruption, and changes nothing of the run', { timeout: 120_000 }, async () => {
    const tracked = words('tracked', 'tracker-tensorboard');
    succeeded(await llmf([...tracked, 'train.maxSteps=5'], { folder: copy.folder }));
    succeeded(await llmf([...tracked, 'train.maxSteps=8', '--resume'], { folder: copy.folder }));
    succeeded(await llmf([...words('plain', null), 'train.maxSteps=5'], { folder: copy.folder }));
    succeeded(await llmf([...words('plain', null), 'train.maxSteps=8', '--resume'], { folder: copy.folder }));
    expect(await weights('tracked')).toBe(await weights('plain'));

    const folder = join(output('tracked'), 'tensorboard');
    const files = (await readdir(folder)).toSorted();
    expect(files).toHaveLength(2);
    const [first, second] = await Promise.all(files.map(async (name) => eventsOf(await readFile(join(folder, name)))));
    const steps = (events: ReturnType<typeof eventsOf>) =>
      events.filter(({ tags }) => tags.includes('train/loss')).map(({ step }) => step);
    expect(steps(first!)).toEqual([1, 2, 3, 4, 5]);
    expect(second!.find(({ isStart }) => isStart)?.step).toBe(6);
    expect(steps(second!)).toEqual([6, 7, 8]);
    expect(second!.some(({ tags }) => tags.includes('eval/rewards/accuracies'))).toBe(true);
  });

  it('stops nothing where its folder cannot be', { timeout: 60_000 }, async () => {
    const argv = words('no-folder', 'tracker-tensorboard', 'train.maxSteps=2', 'tensorboard.folder=llmf.yaml/x');
    const finished = await llmf(argv, { folder: copy.folder });
    succeeded(finished);
    expect(finished.err).toMatch(/tracker-tensorboard: ENOTDIR.*the run goes on/);
    expect(finished.err).toMatch(/tracker-tensorboard: 3 rows were not kept; metrics\.jsonl has them all/);
  });
});

/** Resolves when it holds; for `killAfter`. */
const until = (holds: () => boolean | Promise<boolean>) => async (over: AbortSignal) => {
  while (!(await holds())) await pause(2, undefined, { signal: over });
};

describe('tracker-mlflow', () => {
  let server: Server;
  const calls: { path: string; body: Record<string, unknown> }[] = [];
  type Sent = { key: string; value: number; step: number };
  /** What log-batch brought; the server refuses steps from `refused` on, from 0 on everything. */
  const kept: Sent[] = [];
  let refused = Infinity;
  const newest = () => [
    ...new Map(kept.toSorted((one, other) => one.step - other.step).map((each) => [each.key, each])).values(),
  ];
  let uri = '';
  beforeAll(async () => {
    server = createServer((incoming, answer) => {
      let text = '';
      incoming.on('data', (part) => (text += part));
      incoming.on('end', () => {
        const path = new URL(incoming.url!, 'http://x').pathname.replace('/api/2.0/mlflow/', '');
        calls.push({ path, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> });
        const answers: Record<string, object> = {
          'experiments/create': { experiment_id: '7' },
          'runs/create': { run: { info: { run_id: 'r1' } } },
          'runs/get': { run: { info: { lifecycle_stage: 'active' }, data: { metrics: newest() } } },
        };
        const sent = (calls.at(-1)!.body['metrics'] as Sent[] | undefined) ?? [];
        const isRefused = refused === 0 || sent.some(({ step }) => step >= refused);
        if (!isRefused) kept.push(...sent);
        const isUnknown = path === 'experiments/get-by-name';
        answer.statusCode = isRefused ? 503 : isUnknown ? 404 : 200;
        if (isRefused) return answer.end('{}');
        answer.end(JSON.stringify(isUnknown ? { error_code: 'RESOURCE_DOES_NOT_EXIST' } : (answers[path] ?? {})));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('makes experiment and run, sends config and every row, and says how it ended', { timeout: 60_000 }, async () => {
    const argv = words('mlflow', 'tracker-mlflow', 'train.maxSteps=3', `mlflow.uri=${uri}`);
    succeeded(await llmf([...argv, 'train.maxSteps=5'], { folder: copy.folder }));
    const paths = calls.map(({ path }) => path);
    expect(paths.slice(0, 3)).toEqual(['experiments/get-by-name', 'experiments/create', 'runs/create']);
    expect(calls[2]!.body).toMatchObject({ experiment_id: '7', run_name: 'mlflow' });
    const params = calls.flatMap(({ body }) => (body['params'] as { key: string; value: string }[]) ?? []);
    expect(params).toContainEqual({ key: 'train.batchSize', value: '8' });
    const metrics = calls.flatMap(
      ({ body }) => (body['metrics'] as { key: string; value: number; step: number }[]) ?? [],
    );
    const losses = metrics.filter(({ key }) => key === 'loss').map(({ step, value }) => [step, value]);
    const rows = await metricsOf(output('mlflow'));
    expect(losses).toEqual(rows.flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss]])));
    expect(calls.at(-1)).toMatchObject({ path: 'runs/update', body: { run_id: 'r1', status: 'FINISHED' } });

    calls.length = 0;
    const more = words('mlflow', 'tracker-mlflow', 'train.maxSteps=4', `mlflow.uri=${uri}`);
    succeeded(await llmf([...more, '--resume'], { folder: copy.folder }));
    expect(calls.map(({ path }) => path)).not.toContain('runs/create'); // it goes on in the same run
  });

  it.each([
    ['reached the server', 'killed', Infinity],
    ['did not reach it from step 3 on', 'refused', 3],
    ['never reached it, nor did the run', 'unheard', 0],
  ])(
    'has every value once over a SIGKILL and a resume, of rows that %s',
    { timeout: 60_000 },
    async (_, name, from) => {
      calls.length = 0;
      kept.length = 0;
      refused = from;
      const argv = words(name, 'tracker-mlflow', 'train.maxSteps=8', `mlflow.uri=${uri}`, '--resume');
      const isBehind = (list: readonly { readonly step?: unknown }[]) => list.some(({ step }) => Number(step) >= 5);
      const ofRun = () => metricsOf(output(name)).catch(() => []);
      const killAfter = until(async () => isBehind(from === Infinity ? kept : await ofRun()));
      const killed = await llmf(argv, { folder: copy.folder, killAfter });
      expect(killed.signal).toBe('SIGKILL');
      refused = Infinity;
      const before = kept.length;
      succeeded(await llmf(argv, { folder: copy.folder }));
      const paths = calls.map(({ path }) => path);
      expect(paths.filter((path) => path === 'runs/create')).toHaveLength(1);
      expect(paths.includes('runs/get')).toBe(from !== 0);
      expect(kept.length).toBeGreaterThan(before);
      const names = kept.map(({ key, step }) => `${key} ${step}`);
      expect(names.filter((each, at) => names.indexOf(each) !== at)).toEqual([]);
      const values = kept.flatMap(({ key, step, value }) => (key === 'loss' ? [[step, value]] : []));
      const rows = await metricsOf(output(name));
      expect(values).toEqual(rows.flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss]])));
      expect(values).toHaveLength(8);
      expect(calls.at(-1)).toMatchObject({ path: 'runs/update', body: { status: 'FINISHED' } });
    },
  );

  it('stops nothing where no server is', { timeout: 60_000 }, async () => {
    const argv = words('offline', 'tracker-mlflow', 'train.maxSteps=2', 'mlflow.uri=http://127.0.0.1:9');
    const finished = await llmf(argv, { folder: copy.folder });
    succeeded(finished);
    expect(finished.err).toMatch(/tracker-mlflow: no answer from 127\.0\.0\.1:9 .*the run goes on/);
  });
});

describe('tracker-wandb', () => {
  let server: Server;
  const calls: { path: string; body: Record<string, unknown>; authorization?: string }[] = [];
  let environment: Record<string, string> = {};
  beforeAll(async () => {
    server = createServer((incoming, answer) => {
      let text = '';
      incoming.on('data', (part) => (text += part));
      incoming.on('end', () => {
        const body = JSON.parse(text) as Record<string, unknown>;
        calls.push({ path: incoming.url!, body, authorization: incoming.headers.authorization });
        const { name } = (body['variables'] ?? {}) as { name?: string };
        const bucket = { name, project: { name: 'p', entity: { name: 'us' } } };
        answer.end(JSON.stringify(incoming.url === '/graphql' ? { data: { upsertBucket: { bucket } } } : {}));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    environment = { WANDB_BASE_URL: url, WANDB_API_KEY: 'key' };
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  const wandb = (name: string) => join(output(name), 'wandb');
  type Files = Record<string, { offset: number; content: string[] }>;
  const losses = async (name: string) =>
    (await metricsOf(output(name))).flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss]]));

  it(
    'has the run in a folder and at the server, which an interruption does not double',
    { timeout: 120_000 },
    async () => {
      const argv = words('wandb', 'tracker-wandb', 'wandb.project=p');
      succeeded(await llmf([...argv, 'train.maxSteps=5'], { folder: copy.folder, environment }));
      succeeded(await llmf([...argv, 'train.maxSteps=8', '--resume'], { folder: copy.folder, environment }));
      const [folder, ...others] = await readdir(wandb('wandb'));
      expect(others).toEqual([]);
      const id = folder!.split('-').at(-1)!;
      expect(await readdir(join(wandb('wandb'), folder!))).toEqual([
        'files',
        `run-${id}.wandb`,
        `run-${id}.wandb.synced`,
      ]);

      const opened = calls.filter(({ path }) => path === '/graphql');
      expect(opened.map(({ body }) => (body['variables'] as { name: string }).name)).toEqual([id, id]);
      expect(opened[0]!.authorization).toBe(`Basic ${Buffer.from('api:key').toString('base64')}`);
      const history = new Map<number, Record<string, number>>();
      for (const { body } of calls) {
        const lines = ((body['files'] ?? {}) as Files)['wandb-history.jsonl'];
        lines?.content.forEach((text, at) =>
          history.set(lines.offset + at, JSON.parse(text) as Record<string, number>),
        );
      }
      const arrived = [...history.values()].filter((line) => 'train/loss' in line);
      expect(arrived.map((line) => [line['train/global_step'], line['train/loss']])).toEqual(await losses('wandb'));
      expect([...history.keys()]).toEqual([...history.keys()].map((_, at) => at));
      expect(calls.at(-1)!.body).toMatchObject({ complete: true, exitcode: 0 });
      const kept = (await readFile(join(wandb('wandb'), folder!, `run-${id}.wandb`))).toString('latin1');
      expect(kept.match(/train\/loss/g)).toHaveLength(2 * 8); // of summary and history, each step once
    },
  );

  it('keeps the folder where no server is', { timeout: 60_000 }, async () => {
    const nobody = { ...environment, WANDB_BASE_URL: 'http://127.0.0.1:9' };
    const finished = await llmf(words('alone', 'tracker-wandb', 'train.maxSteps=2'), {
      folder: copy.folder,
      environment: nobody,
    });
    succeeded(finished);
    expect(finished.err).toMatch(/tracker-wandb, server: no answer from 127\.0\.0\.1:9 .*the run goes on/);
    expect(finished.err).not.toMatch(/tracker-wandb: /);
    const [folder] = await readdir(wandb('alone'));
    expect((await readdir(join(wandb('alone'), folder!))).filter((name) => name.endsWith('.synced'))).toEqual([]);
  });
});
