// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import backendWebgpu from '@llmf/backend-webgpu';
import { tf } from '@llmf/nn';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from '../support/command.js';
import { firstRun, firstRunCopy, metricsOf } from '../support/first-run.js';
import { sha256 } from '../support/kill-and-resume.js';
import { start, whySkipped, type ComputingBackend } from '../../packages/backend-webgpu/test/software-device.js';

const reason = await whySkipped();
const backend = () => tf.backend() as unknown as ComputingBackend;

describe.skipIf(reason !== null)(`training on webgpu${reason === null ? '' : ` (${reason})`}`, () => {
  let copy: Awaited<ReturnType<typeof firstRunCopy>>;
  beforeAll(async () => {
    copy = await firstRunCopy();
    await start();
    const config = JSON.parse(await readFile(join(firstRun, 'architecture', 'config.json'), 'utf8')) as object;
    const sizes = { hidden_size: 16, intermediate_size: 32, num_attention_heads: 2, num_key_value_heads: 1 };
    await writeFile(join(copy.folder, 'small.json'), JSON.stringify({ ...config, ...sizes, num_hidden_layers: 1 }));
    for (const [name, file] of [
      ['small', 'small.json'],
      ['untrained', 'architecture/config.json'],
    ] as const) {
      const words = ['init', name, '--config', file, '--tokenizer', 'architecture', '--seed', '1'];
      succeeded(await llmf(words, { folder: copy.folder }));
    }
  });
  afterAll(() => copy.remove());

  const onWebGpu = { name: 'webgpu', software: true };
  const small = (output: string, maxSteps: number, plugins: readonly Plugin[], saveEvery: number | null) => ({
    model: { path: 'small' },
    stage: 'sft',
    adapter: 'none',
    backend: onWebGpu,
    data: { train: [{ path: 'data/sft.json' }], maxSamples: 4, maxLength: 32 },
    train: { batchSize: 4, gradientAccumulation: 1, maxSteps, learningRate: 1e-3, logEvery: 1, saveEvery, seed: 1 },
    plugins: [backendWebgpu(), ...plugins],
    output,
  });

  it(
    'follows the curve of plain JavaScript within 1e-3 over 100 steps of the first run',
    { timeout: 1_800_000 },
    async () => {
      const run = async (name: string, plugins: readonly Plugin[]) => {
        const sft = {
          model: { path: 'untrained' },
          stage: 'sft',
          adapter: 'none',
          backend: name === 'webgpu' ? onWebGpu : { name },
          data: { train: [{ path: 'data/sft.json' }], maxLength: 128 },
          train: {
            batchSize: 8,
            gradientAccumulation: 1,
            maxSteps: 100,
            learningRate: 3e-3,
            logEvery: 1,
            saveEvery: null,
            seed: 1,
          },
          plugins: [...plugins],
          output: `curve-${name}`,
        };
        await train(sft, { folder: copy.folder });
        return (await metricsOf(join(copy.folder, `curve-${name}`))).flatMap(({ loss }) => loss ?? []);
      };
      const [ours, plain] = [await run('webgpu', [backendWebgpu()]), await run('js', [])];
      expect([ours.length, plain.length]).toEqual([100, 100]);
      const worst = Math.max(...ours.map((loss, step) => Math.abs(loss - plain[step]!)));
      console.log(`loss ${plain[0]} → ${plain[99]}; largest difference ${worst}`);
      expect(worst).toBeLessThan(1e-3);
      expect(plain[99]!).toBeLessThan(plain[0]! / 5);
    },
  );

  it('holds the same tensors, buffers and bytes over 2,000 steps', { timeout: 3_600_000 }, async () => {
    const samples: (readonly number[])[] = [];
    const watch: Plugin = {
      name: 'watch',
      apiVersion,
      apply: (engine) =>
        engine.hooks.run.tap('watch', (run) =>
          run.hooks.log.tap('watch', () => void samples.push(memoryOf(backend()))),
        ),
    };
    await train(small('long', 2000, [watch], null), { folder: copy.folder });
    expect(samples).toHaveLength(2000);
    const middle = samples.slice(5, -1);
    const ranges = middle[0]!.map((_, at) => {
      const values = middle.map((sample) => sample[at]!);
      return Math.max(...values) - Math.min(...values);
    });
    console.log(`tensors, buffers and bytes in use, all buffers and bytes: ${middle.at(-1)!.join(', ')}`);
    // A row is logged while the next step's three metrics may or may not have been read.
    expect(ranges[0]).toBeLessThanOrEqual(1);
    expect(ranges[1]).toBeLessThanOrEqual(2);
    expect(ranges[2]).toBeLessThanOrEqual(24);
    expect(ranges.slice(3)).toEqual([0, 0]);
  });

  it('loses its GPU 20 times and ends with the weights of an undisturbed run', { timeout: 3_600_000 }, async () => {
    await train(small('undisturbed', 16, [], 1), { folder: copy.folder });
    const codes: string[] = [];
    const resumedFrom: number[] = [];
    for (let loss = 0; loss < 20; loss++) {
      await start();
      // Anywhere in a step of some 110 dispatches or the one after it: forwards, backwards, the update, a checkpoint.
      loseAfter(10 + 15 * (loss % 12));
      const watch: Plugin = {
        name: 'watch',
        apiVersion,
        decides: false,
        apply: (engine) =>
          engine.hooks.run.tap('watch', (run) =>
            run.hooks.started.tap('watch', ({ step }) => void resumedFrom.push(step)),
          ),
      };
      const config = small('lost', 16, [watch], 1);
      const error = await train(config, { folder: copy.folder, resume: true }).then(
        () => null,
        (thrown: { code?: string }) => thrown,
      );
      codes.push(error === null ? 'finished' : (error.code ?? String(error)));
    }
    console.log(`resumed from ${resumedFrom.join(' ')}`);
    expect(codes).toEqual(Array.from({ length: 20 }, () => 'LLMF_BACKEND_WEBGPU_DEVICE_LOST'));
    await start();
    await train(small('lost', 16, [], 1), { folder: copy.folder, resume: true });
    const weights = (output: string) => sha256(join(copy.folder, output, 'model.safetensors'));
    expect(await weights('lost')).toBe(await weights('undisturbed'));
    const losses = async (output: string) =>
      (await metricsOf(join(copy.folder, output))).flatMap(({ loss }) => loss ?? []);
    expect(await losses('lost')).toEqual(await losses('undisturbed'));
  });

  /** The device is gone after this many dispatches of ours. */
  function loseAfter(dispatches: number): void {
    const { runner, device } = backend();
    const { run } = runner;
    let left = dispatches;
    runner.run = (...call: unknown[]) => {
      if (left-- === 0) device.destroy();
      return run.apply(runner, call);
    };
  }
});

function memoryOf({ bufferManager: pool }: ComputingBackend): number[] {
  const { numTensors } = tf.memory();
  return [
    numTensors,
    pool.numUsedBuffers,
    pool.numBytesUsed,
    pool.numUsedBuffers + pool.numFreeBuffers,
    pool.numBytesAllocated,
  ];
}
