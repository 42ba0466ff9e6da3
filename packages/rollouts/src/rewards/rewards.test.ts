// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContainer, type Choice, type LlmfError, type Run } from '@llmf/core';
import { afterEach, describe, expect, it } from 'vitest';
import { RewardToken, type Sample } from '../contracts/reward.js';
import { endpointReward } from './endpoint-reward.js';
import { functionReward } from './function-reward.js';
import { rewardRule } from './reward-rule.js';
import { Rewards } from './rewards.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-rewards-'));
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const samples: Sample[] = ['good', 'bad one'].map((answer, number) => ({
  prompt: 'Q? ',
  answer,
  promptIds: Int32Array.of(1),
  ids: Int32Array.from(answer.split(' '), (_, at) => at),
  reason: 'stop',
  source: { wanted: 'good' },
  chat: null,
  row: 0,
  number,
}));

async function rewards(...choices: (Partial<Choice> & { name: string })[]): Promise<Rewards> {
  const container = createContainer();
  const given = [
    functionReward,
    endpointReward,
    rewardRule('words', 'words', (all) => all.map(({ ids }) => ids.length)),
  ];
  for (const reward of given) container.register(RewardToken, reward);
  const parsed = choices.map(({ name, options = {}, weight = 1 }) => {
    const result = given.find((each) => each.name === name)!.options?.safeParse(options);
    return { name, weight, options: result?.success === true ? result.data : {} };
  });
  const taps: (() => Promise<void>)[] = [];
  const run = {
    config: { choices: { rewards: parsed } },
    container,
    folder,
    logger: { info: () => undefined, warn: () => undefined },
    hooks: { shutdown: { tapPromise: (_: string, tap: () => Promise<void>) => void taps.push(tap) } },
  };
  open.push(async () => {
    for (const tap of taps) await tap();
  });
  return await Rewards.open(run as unknown as Run, { policy: null, text: null }, 'ppo');
}

let files = 0;
function file(body: string, extension = 'mjs'): string {
  const name = `reward-${files++}.${extension}`;
  writeFileSync(join(folder, name), body);
  return name;
}
const fromFile = (body: string, options: object = {}) =>
  rewards({ name: 'function', options: { path: file(body), ...options } });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: LlmfError) => error.code,
  );

describe('a reward function in a file', () => {
  it('sees prompt, answer, tokens and the row’s own columns', async () => {
    const body = `export default (samples) =>
      samples.map(({ prompt, answer, ids, source }) => (prompt + answer).length + 100 * ids.length + (answer === source.wanted ? 0.5 : 0));`;
    const got = await (await fromFile(body)).score(samples, 1);
    expect(got.map(({ score }) => score)).toEqual([107.5, 210]);
  });

  it('may be a named export that waits, and keeps what it imports', async () => {
    const body = `import { setTimeout } from 'node:timers/promises';
      export const late = async (samples) => { await setTimeout(5); return samples.map(() => 1); };`;
    expect((await (await fromFile(body, { export: 'late' })).score(samples, 1))[0]!.score).toBe(1);
  });

  it('may say nothing of a sample, and score tokens', async () => {
    const body = 'export default (samples) => samples.map(({ ids }, at) => (at === 0 ? null : [...ids]));';
    const got = await (await fromFile(body)).score(samples, 1);
    expect(got[0]).toMatchObject({ score: null, tokens: null, parts: { function: null } });
    expect(got[1]).toMatchObject({ score: 0, tokens: Float32Array.of(0, 1), parts: { function: 1 } });
  });

  it.each([
    ['throws', 'throw new Error("no idea")', 'FUNCTION_THREW'],
    ['returns NaN', 'return samples.map(() => NaN)', 'REWARD_VALUE'],
    ['returns text', 'return samples.map(() => "1")', 'REWARD_VALUE'],
    ['returns infinity for a token', 'return samples.map(({ ids }) => [...ids].fill(Infinity))', 'REWARD_VALUE'],
    ['returns too few scores', 'return [1]', 'REWARD_COUNT'],
    ['returns nothing', 'return undefined', 'REWARD_COUNT'],
    ['returns scores for other tokens', 'return samples.map(() => [1, 2, 3])', 'REWARD_TOKENS'],
    ['waits for ever', 'return new Promise(() => {})', 'REWARD_TIMEOUT'],
    ['loops for ever', 'for (;;);', 'REWARD_TIMEOUT'],
    ['ends its thread', 'process.exit(3)', 'FUNCTION_THREW'],
  ])('that %s ends the run with a code', async (_, body, code) => {
    const opened = await fromFile(`export default (samples) => { ${body} }`, {
      timeoutSeconds: code === 'REWARD_TIMEOUT' ? 0.5 : 60,
    });
    expect(await codeOf(opened.score(samples, 1))).toBe(`LLMF_ROLLOUTS_${code}`);
  });

  it('can be asked again after it hung', async () => {
    const opened = await fromFile(
      'let asked = 0; export default async (s) => { if (s[0].row === 7) await new Promise(() => {}); return s.map(() => ++asked); }',
      { timeoutSeconds: 3 },
    );
    expect(await codeOf(opened.score([{ ...samples[0]!, row: 7 }], 1))).toBe('LLMF_ROLLOUTS_REWARD_TIMEOUT');
    expect((await opened.score(samples, 1)).map(({ score }) => score)).toEqual([1, 2]);
  });

  it.each([
    ['is not there', { path: 'nowhere.mjs' }],
    ['does not parse', { path: file('export default (') }],
    ['exports no function', { path: file('export default 3') }],
    ['has no such export', { path: file('export default () => []'), export: 'other' }],
  ])('whose file %s is refused before anything is loaded', async (_, options) => {
    expect(await codeOf(rewards({ name: 'function', options }))).toBe('LLMF_ROLLOUTS_REWARD_FILE');
  });

  it('in TypeScript runs where Node.js runs it, and is refused with its version elsewhere', async () => {
    const path = file('export default (s: unknown[]): number[] => s.map((): number => 2);', 'ts');
    const runs = Boolean((process.features as { typescript?: unknown }).typescript);
    const opened = rewards({ name: 'function', options: { path } });
    if (runs) expect((await (await opened).score(samples, 1))[0]!.score).toBe(2);
    else expect(await codeOf(opened)).toBe('LLMF_ROLLOUTS_REWARD_TYPES');
  });
});

describe('several rewards', () => {
  it('are added by their weights; one that says nothing of a sample leaves it to the others', async () => {
    const rule = file('export default (samples) => samples.map(({ answer }) => (answer === "good" ? null : 10));');
    const tokens = file('export default (samples) => samples.map(({ ids }) => [...ids].fill(1));');
    const all = await rewards(
      { name: 'words', weight: 2 },
      { name: 'function', options: { path: rule }, weight: 0.5 },
      { name: 'function', options: { path: tokens }, weight: 3 },
    );
    expect(all.labels).toEqual(['words', 'function-2', 'function-3']);
    const got = await all.score(samples, 1);
    expect(got.map(({ score }) => score)).toEqual([2, 9]);
    expect(got[1]!.tokens).toEqual(Float32Array.of(3, 3));
    expect(got[0]!.parts).toEqual({ words: 1, 'function-2': null, 'function-3': 1 });
  });

  it('of a plugin that throw end the run with a code', async () => {
    const broken = { ...samples[0]!, ids: null as unknown as Int32Array };
    expect(await codeOf((await rewards({ name: 'words' })).score([broken], 1))).toBe('LLMF_ROLLOUTS_REWARD_FAILED');
  });

  it('are needed by a stage that learns from them', async () => {
    expect(await codeOf(rewards())).toBe('LLMF_ROLLOUTS_NO_REWARD');
  });
});

describe('an endpoint', () => {
  type Reply = { status?: number; body: string } | 'hang' | 'close';
  interface Asked {
    readonly samples: { prompt: string; answer: string; ids: number[]; source: object }[];
    readonly authorization: string | undefined;
  }
  /** A server that gives these replies in turn, the last for ever, and what it was asked. */
  async function serve(...replies: Reply[]): Promise<{ url: string; asked: Asked[] }> {
    const asked: Asked[] = [];
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (part) => (text += part));
      request.on('end', () => {
        asked.push({ ...(JSON.parse(text) as object), authorization: request.headers.authorization } as Asked);
        const reply = replies.length > 1 ? replies.shift()! : replies[0]!;
        if (reply === 'close') request.socket.destroy();
        else if (reply !== 'hang') response.writeHead(reply.status ?? 200).end(reply.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`, asked };
  }
  const endpoint = (url: string, options: object = {}) => rewards({ name: 'endpoint', options: { url, ...options } });

  it('gets samples in batches and answers scores', async () => {
    const { url, asked } = await serve({ body: '{"scores":[1]}' }, { body: '{"scores":[null]}' });
    const got = await (await endpoint(url, { batchSize: 1 })).score(samples, 1);
    expect(got.map(({ score }) => score)).toEqual([1, null]);
    expect(asked.map((each) => each.samples[0]!.answer)).toEqual(['good', 'bad one']);
    expect(asked[1]!.samples[0]).toMatchObject({ prompt: 'Q? ', ids: [0, 1], source: { wanted: 'good' } });
  });

  it('gets the key of an environment variable, which has to be set', async () => {
    const { url, asked } = await serve({ body: '{"scores":[1,2]}' });
    process.env['LLMF_TEST_KEY'] = 'secret';
    await (await endpoint(url, { keyVariable: 'LLMF_TEST_KEY' })).score(samples, 1);
    expect(asked[0]!.authorization).toBe('Bearer secret');
    delete process.env['LLMF_TEST_KEY'];
    expect(await codeOf(endpoint(url, { keyVariable: 'LLMF_TEST_KEY' }))).toBe('LLMF_ROLLOUTS_KEY_MISSING');
  });

  it('that fails for a moment is asked again', async () => {
    const { url, asked } = await serve({ status: 503, body: '' }, { body: '{"scores":[1,2]}' });
    expect((await (await endpoint(url)).score(samples, 1))[1]!.score).toBe(2);
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['fails half-way and stays so', ['close'], 'ENDPOINT_FAILED'],
    ['hangs', ['hang'], 'ENDPOINT_FAILED'],
    ['refuses', [{ status: 403, body: 'no' }], 'ENDPOINT_REFUSED'],
    ['answers no JSON', [{ body: '<html>' }], 'ENDPOINT_REFUSED'],
    ['answers no scores', [{ body: '{"score":[1,2]}' }], 'ENDPOINT_REFUSED'],
    ['answers too few', [{ body: '{"scores":[1]}' }], 'ENDPOINT_REFUSED'],
    ['answers text', [{ body: '{"scores":["1","2"]}' }], 'REWARD_VALUE'],
  ] as const)('that %s ends the run with a code', async (_, replies, code) => {
    const { url } = await serve(...(replies as readonly Reply[]));
    const opened = await endpoint(url, { retries: 0, timeoutSeconds: 0.3 });
    expect(await codeOf(opened.score(samples, 1))).toBe(`LLMF_ROLLOUTS_${code}`);
  });
});
