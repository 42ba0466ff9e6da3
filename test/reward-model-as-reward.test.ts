// SPDX-License-Identifier: Apache-2.0
/** A reward model in the `rewards` slot gives the scores of `llmf score`, as a folder and on the policy's own base. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { apiVersion } from '@llmf/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, repository, succeeded } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';

const built = (name: string) => pathToFileURL(join(repository, 'packages', name, 'dist', 'index.js')).href;

/** A stage that writes answers, asks the rewards for their scores, and notes both. */
const probe = `
import { writeFileSync } from 'node:fs';
import { openPolicy, Rows } from '${built('training')}';
import { AnswerWriter, Rewards } from '${built('rollouts')}';
const stage = {
  name: 'probe', description: 'scores answers', rows: 'prompt', reads: ['rewards'], defaults: { loss: 'none' },
  async prepare(run) {
    const policy = await openPolicy(run);
    const rows = await Rows.open(run, policy.model, { rows: 'prompt' });
    const sampling = { maxNewTokens: 40, temperature: 1, topK: 0, topP: 1, minP: 0, stop: [], stopIds: [], maxSequences: 64 };
    const writer = await AnswerWriter.open(run, policy, sampling);
    const rewards = await Rewards.open(run, { policy, text: writer.text }, 'probe');
    return {
      stepsPerEpoch: 1,
      async verify() {},
      async evaluate() { return null; },
      async step(step) {
        const answers = await writer.write(rows.train, await rows.train.rows([0, 1, 2]), { stream: 'probe', answers: 4 });
        const scores = await rewards.score(answers.map(({ sample }) => sample), step);
        const noted = answers.map(({ sample: { source, answer, reason } }, at) => ({ prompt: source.prompt, completion: answer, reason, score: scores[at].score }));
        writeFileSync(process.env.NOTES, JSON.stringify(noted));
        return { metrics: Promise.resolve({ loss: 1 }), tokens: 1, computedTokens: 1 };
      },
    };
  },
};
export default () => ({ name: 'probe', apiVersion: ${apiVersion}, apply: (engine) => engine.provide(Symbol.for('llmf:stage'), stage) });
`;

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
const run = (argv: string[], environment = {}) => llmf(argv, { folder: copy.folder, environment });
const inFolder = (...parts: string[]) => join(copy.folder, ...parts);

beforeAll(async () => {
  copy = await firstRunCopy();
  writeFileSync(inFolder('probe.mjs'), probe);
  const steps = [
    'train.maxSteps=6',
    'train.gradientAccumulation=1',
    'train.evalOnStart=false',
    'train.learningRate=5e-3',
  ];
  const reward = (output: string, adapter: string) =>
    run(['train', '--plugin', 'algo-reward', `output=${output}`, `adapter=${adapter}`, ...steps]);
  succeeded(await reward('whole', 'none'));
  succeeded(await reward('adapter', 'lora'));
}, 240_000);
afterAll(() => copy.remove());

interface Noted {
  readonly prompt: string;
  readonly completion: string;
  readonly reason: string;
  readonly score: number;
}
const probed = (path: string, adapter: string) => {
  const once = ['train.maxSteps=1', 'backend.precision=f32', 'data.eval=null', `output=runs/${path}-${adapter}`];
  const reward = `rewards={ name: model, path: ${path}, batchSize: 5 }`;
  return run(['train', '--plugin', './probe.mjs', `adapter=${adapter}`, reward, ...once], {
    NOTES: inFolder('notes.json'),
  });
};

async function expectScores(path: string, flags: readonly string[]): Promise<void> {
  const finished = await probed(path, 'lora');
  succeeded(finished);
  expect(finished.out + finished.err).toContain(path === 'whole' ? 'weights in memory' : 'no second base in memory');
  const noted = (JSON.parse(readFileSync(inFolder('notes.json'), 'utf8')) as Noted[]).filter(
    ({ reason }) => reason === 'stop',
  );
  expect(noted.length).toBeGreaterThan(4);
  writeFileSync(inFolder('noted.json'), JSON.stringify(noted));
  succeeded(await run(['score', 'noted.json', '--precision', 'f32', '--output', 'scores.jsonl', ...flags]));
  const lines = readFileSync(inFolder('scores.jsonl'), 'utf8').trim().split('\n');
  const scores = lines.map((line) => (JSON.parse(line) as { response: { score: number } }).response.score);
  for (const [at, { score }] of noted.entries()) expect(score).toBeCloseTo(scores[at]!, 4);
}

describe('a reward model as a reward', () => {
  it('as a folder scores the text as `llmf score` does', { timeout: 240_000 }, async () => {
    await expectScores('whole', ['--model', 'whole']);
  });

  it('as an adapter scores on the policy’s own base', { timeout: 240_000 }, async () => {
    await expectScores('adapter', ['--model', 'model', '--adapter', 'adapter']);
  });

  it(
    'is refused where it is none, where its base is trained, where its tokens mean others',
    { timeout: 240_000 },
    async () => {
      expect((await probed('model', 'lora')).err).toContain('LLMF_ROLLOUTS_REWARD_MODEL_HEAD');
      expect((await probed('adapter', 'none')).err).toContain('LLMF_ROLLOUTS_REWARD_MODEL_BASE');
      cpSync(inFolder('adapter'), inFolder('other'), { recursive: true });
      const tokenizer = readFileSync(inFolder('model', 'tokenizer.json'), 'utf8');
      writeFileSync(
        inFolder('other', 'tokenizer.json'),
        tokenizer.replace('"animal"', '"plant"').replace('"!"', '"?!"'),
      );
      expect((await probed('other', 'lora')).err).toContain('LLMF_ROLLOUTS_REWARD_MODEL_VOCABULARY');
    },
  );
});
