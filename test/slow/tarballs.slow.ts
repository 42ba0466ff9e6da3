// SPDX-License-Identifier: Apache-2.0
// What a user gets: the packages as they are published, installed with npm where nothing else is.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, run, succeeded } from '../support/command.js';
import { firstRun, metricsOf } from '../support/first-run.js';
import { packAll, withDependencies } from '../support/tarballs.js';

let root: string;
let folder: string;
let tarballs: Map<string, string>;
let installed: string[];
const llmf = (...argv: string[]) => run('npx', ['--no', 'llmf', ...argv], { folder });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmf-tarballs-'));
  folder = await mkdtemp(join(root, 'user-'));
  tarballs = await packAll(await mkdtemp(join(root, 'tarballs-')));
  installed = await withDependencies(['llmf', '@llmf/loss-simpo']);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await npmInstall([], installed);
  for (const name of ['architecture', 'data', 'model', 'llmf.yaml']) {
    await cp(join(firstRun, name), join(folder, name), { recursive: true });
  }
}, 300_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe('the base packages and loss-simpo, from tarballs in an empty folder', () => {
  it('leave out the losses that were not asked for', () => {
    expect(installed).toContain('@llmf/loss-simpo');
    expect(installed).not.toContain('@llmf/loss-orpo');
    expect(installed).not.toContain('@llmf/loss-dpo');
    expect(tarballs.size).toBeGreaterThan(installed.length);
  });

  it('hold one copy of tfjs-core', async () => {
    const listed = await run('npm', ['ls', '--all', '--parseable', '@tensorflow/tfjs-core'], { folder });
    const copies = new Set(succeeded(listed).trim().split('\n'));
    expect([...copies]).toEqual([join(folder, 'node_modules', '@tensorflow', 'tfjs-core')]);
  });

  it('make a model and train it', async () => {
    succeeded(await llmf('init', 'fresh', '--config', 'architecture/config.json', '--tokenizer', 'architecture'));
    succeeded(
      await llmf('train', '--plugin', 'loss-simpo', 'model.path=fresh', 'train.maxSteps=3', 'output=runs/fresh'),
    );
    const last = (await metricsOf(join(folder, 'runs/fresh'))).at(-1)!;
    expect(last['step']).toBe(3);
    expect(last['eval_rewards/accuracies']).toBeGreaterThanOrEqual(0);
  });

  it('train when a global llmf is what was called', async () => {
    const prefix = join(root, 'global');
    await npmInstall(['--global', '--prefix', prefix], await withDependencies(['llmf']));
    const command = join(prefix, 'bin', 'llmf');
    const words = ['train', '--plugin', 'loss-simpo', 'train.maxSteps=2', 'output=runs/global'];
    succeeded(await run(command, words, { folder }));
    expect((await metricsOf(join(folder, 'runs/global'))).at(-1)!['step']).toBe(2);
    const { out } = await run(command, ['env'], { folder });
    expect(out).toContain(join(folder, 'node_modules'));
    expect(out).not.toContain(prefix);
  });

  it('train with a loss of at most 60 lines that is written there, and show its options', async () => {
    const source = await readFile(join(repository, 'examples', 'write-a-loss', 'loss-slic.mjs'), 'utf8');
    expect(source.split('\n').length).toBeLessThanOrEqual(60);
    await writeFile(join(folder, 'my-loss.mjs'), source);
    const plugin = ['--plugin', './my-loss.mjs'];
    expect(succeeded(await llmf('train', '--help', ...plugin))).toContain('loss.margin');
    succeeded(await llmf('train', ...plugin, 'loss.margin=0.5', 'train.maxSteps=3', 'output=runs/slic'));
    expect((await metricsOf(join(folder, 'runs/slic'))).at(-1)!['step']).toBe(3);
  });

  it('say how to install a loss that is not there', async () => {
    const { status, err } = await llmf('train', '--plugin', 'loss-orpo');
    expect(status).toBe(1);
    expect(err).toContain('npm install @llmf/loss-orpo');
    expect(err).not.toMatch(/\n {4}at /); // no stack trace
  });
});

async function npmInstall(options: readonly string[], names: readonly string[]): Promise<void> {
  const files = names.map((name) => tarballs.get(name)!);
  succeeded(await run('npm', ['install', '--no-audit', '--no-fund', ...options, ...files], { folder }));
}
