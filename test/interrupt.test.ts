// SPDX-License-Identifier: Apache-2.0
// Ctrl-C while a long step computes, through the real command on the backend that users get.
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiVersion } from '@llmf/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, succeeded, type Finished } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
  succeeded(await train('undisturbed'));
}, 120_000);
afterAll(() => copy.remove());

/** Four steps of 256 answers each: nearly all of a run's time is within one. */
const options = ['train.batchSize=64', 'train.gradientAccumulation=2', 'train.maxSteps=4', 'train.logEvery=1'];
const words = ['--plugin', 'loss-simpo', ...options, 'train.evalOnStart=false', 'data.eval=null'];

type OnOutput = (out: string, send: (signal: NodeJS.Signals) => void) => void;

function train(output: string, more: readonly string[] = [], onOutput?: OnOutput): Promise<Finished> {
  const argv = ['train', ...words, `output=runs/${output}`, ...more];
  return llmf(argv, { folder: copy.folder, ...(onOutput ? { onOutput } : {}) });
}

/** Ctrl-C some milliseconds after the first step was reported, when the next one is being computed. */
function interruptAfterFirstStep(milliseconds: number): OnOutput {
  let isDue = true;
  return (out, send) => {
    if (!isDue || !out.includes('step 1/4')) return;
    isDue = false;
    setTimeout(() => send('SIGINT'), milliseconds);
  };
}

async function expectSameAsUndisturbed(output: string): Promise<void> {
  const of = async (name: string) => ({
    weights: await sha256(join(copy.folder, 'runs', name, 'model.safetensors')),
    losses: (await metricsOf(join(copy.folder, 'runs', name))).flatMap(({ step, loss }) =>
      loss === undefined ? [] : [[step, loss]],
    ),
  });
  const [mine, undisturbed] = [await of(output), await of('undisturbed')];
  expect(mine).toEqual(undisturbed);
  expect(mine.losses).toHaveLength(4);
}

it('Ctrl-C within a step ends the run after it, with a checkpoint from which it goes on to the same bits', async () => {
  const first = await train('interrupted', [], interruptAfterFirstStep(50));
  expect(first.status, first.err).toBe(130);
  const step = Number(/interrupted after step (\d); continue with --resume/.exec(first.out)?.[1]);
  expect([1, 2, 3]).toContain(step);
  expect(await readdir(join(copy.folder, 'runs/interrupted/checkpoints'))).toEqual([`step-${step}`]);
  const second = succeeded(await train('interrupted', ['--resume']));
  expect(second).toContain(`resumed at step ${step}`);
  await expectSameAsUndisturbed('interrupted');
}, 120_000);

it('a second Ctrl-C, whatever it cuts off, leaves a folder from which the run goes on to the same bits', async () => {
  let presses = 0;
  const press = interruptAfterFirstStep(0);
  const first = await train('cut-off', ['train.saveEvery=1'], (out, send) => {
    press(out, send);
    if (presses > 0 || !out.includes('Ctrl-C again leaves at once')) return;
    presses++;
    send('SIGINT');
  });
  expect(presses).toBe(1);
  expect(first.signal ?? first.status).toSatisfy((end: unknown) => end === 'SIGINT' || end === 130); // 130 when it was done already
  succeeded(await train('cut-off', ['train.saveEvery=1', '--resume']));
  await expectSameAsUndisturbed('cut-off');
}, 120_000);

/** Says at the end of each step how often the event loop, which hands out signals, came round since its last batch was made. */
const turns = `
  let turns = 0, before = 0;
  const count = () => (turns++, setImmediate(count).unref());
  export default () => ({
    name: 'turns',
    apiVersion: ${apiVersion},
    apply(engine) {
      engine.hooks.run.tap('turns', (run) => {
        count();
        const training = run.container.resolve(Symbol.for('llmf:training-hooks'));
        training.batchCollated.tap('turns', (batch) => ((before = turns), batch));
        training.gradientsReady.tap('turns', () => console.log('turns: ' + (turns - before)));
      });
    },
  });`;

it('a signal is noticed between the microbatches of a step', async () => {
  await writeFile(join(copy.folder, 'turns.mjs'), turns);
  const more = [
    '--plugin',
    './turns.mjs',
    'train.batchSize=4',
    'train.gradientAccumulation=8',
    'train.tokensPerPass=100',
    'train.maxSteps=2',
  ];
  const out = succeeded(await train('turns', more));
  const counts = [...out.matchAll(/turns: (\d+)/g)].map(([, count]) => Number(count));
  expect(counts).toHaveLength(2);
  for (const count of counts) expect(count).toBeGreaterThanOrEqual(7);
}, 120_000);

/** Ends a run that prepares: sends SIGTERM once `when` has appeared. */
const endAfter = (when: RegExp): OnOutput => {
  let isDue = true;
  return (out, send) => {
    if (!isDue || !when.test(out)) return;
    isDue = false;
    send('SIGTERM');
  };
};

const cached = ['--plugin', 'loss-dpo', 'reference=cached', 'data.eval=null', 'train.maxSteps=2', 'train.batchSize=2'];

it('a signal in the pass over the reference ends it soon; what is computed is kept, and the run ends with the same bits', async () => {
  await writeFile(join(copy.folder, 'slow.mjs'), slowSweep);
  const run = (output: string, more: readonly string[] = [], onOutput?: OnOutput) =>
    llmf(['train', ...cached, `output=runs/${output}`, ...more], {
      folder: copy.folder,
      ...(onOutput ? { onOutput } : {}),
    });
  const first = await run('reference', ['--plugin', './slow.mjs'], endAfter(/swept 12/));
  expect(first.status, first.err).toBe(130);
  expect(first.out).toContain('interrupted before the first step; continue with --resume');
  const files = await readdir(join(copy.folder, '.llmf-cache/reference'));
  expect(files).toEqual([expect.stringMatching(/\.part-0\.safetensors$/)]);
  const second = succeeded(await run('reference', ['--resume']));
  const [, now, all] = /\((\d+) of (\d+) rows computed now\)/.exec(second)!.map(Number);
  expect(now).toBeGreaterThan(0);
  expect(now).toBeLessThanOrEqual(all! - 20);
  await rm(join(copy.folder, '.llmf-cache/reference'), { recursive: true });
  succeeded(await run('whole'));
  const weights = (name: string) => sha256(join(copy.folder, 'runs', name, 'model.safetensors'));
  expect(await weights('reference')).toBe(await weights('whole'));
}, 120_000);

/** Counts the batches of a sweep, and takes its time with each. */
const slowSweep = `
  export default () => ({
    name: 'slow',
    apiVersion: ${apiVersion},
    decides: false,
    apply(engine) {
      engine.hooks.run.tap('slow', (run) => {
        let count = 0;
        const training = run.container.resolve(Symbol.for('llmf:training-hooks'));
        training.batchCollated.tapPromise('slow', async (batch, { step }) => {
          if (step === 0) console.log('swept ' + ++count);
          await new Promise((done) => setTimeout(done, 20));
          return batch;
        });
      });
    },
  });`;

it('a signal within an evaluation ends it; the resumed run makes it again, and all others as the undisturbed one', async () => {
  await writeFile(join(copy.folder, 'slow.mjs'), slowSweep);
  const words = ['--plugin', 'loss-simpo', '--plugin', './slow.mjs', 'train.maxSteps=3', 'train.batchSize=4'];
  const argv = (output: string) => ['train', ...words, 'train.evalEvery=1', `output=runs/${output}`];
  succeeded(await llmf(argv('evaluated'), { folder: copy.folder }));
  // Sweeps of the held-out rows: before step 1, after step 1, …; the signal comes within the second one.
  const onOutput = endAfter(/eval_loss[^]*swept \d+\n/);
  const first = await llmf(argv('unevaluated'), { folder: copy.folder, onOutput });
  expect([first.status, /interrupted after step (\d)/.exec(first.out)?.[1]]).toEqual([130, '1']);
  succeeded(await llmf([...argv('unevaluated'), '--resume'], { folder: copy.folder }));
  const evaluations = async (name: string) =>
    (await metricsOf(join(copy.folder, 'runs', name))).flatMap((row) =>
      'eval_loss' in row ? [[row['step'], row['eval_loss']]] : [],
    );
  expect(await evaluations('unevaluated')).toEqual(await evaluations('evaluated'));
  expect(await evaluations('evaluated')).toHaveLength(4);
}, 120_000);
