// SPDX-License-Identifier: Apache-2.0
import { dirname, join, parse, resolve } from 'node:path';
import { isLessBetter, isPlain, isThereSync, Mistakes, readConfig, z, type ConfigInput } from '@llmf/core';
import {
  combinations,
  gridSampler,
  randomSampler,
  spaceOf,
  strategyNames,
  tpeDefaults,
  tpeSampler,
  withGrid,
  type AshaOptions,
  type Direction,
  type Sampler,
  type Space,
} from '@llmf/sweep';
import { isTrlxSweep, ofTrlx } from './trlx-sweep.js';
import { sweepErrors } from './sweep-errors.js';

const tpe = z.strictObject({
  name: z.literal('tpe'),
  startupTrials: z.int().min(1).default(tpeDefaults.startupTrials).describe('Trials that are drawn at random first.'),
  candidates: z.int().min(1).default(tpeDefaults.candidates).describe('Values of which the most promising is tried.'),
});
const asha = z.strictObject({
  name: z.literal('asha'),
  minimumSteps: z.int().min(1).describe('Optimizer steps before the first decision.'),
  reductionFactor: z.int().min(2).default(4).describe('One in so many goes on at each rung.'),
  earlyStoppingRate: z.int().min(0).default(0).describe('Rungs that are left out at the beginning.'),
});

const sweepKeys = z.strictObject({
  config: z.string().min(1).default('llmf.yaml').describe('The config that every trial trains.'),
  plugins: z.array(z.string().min(1)).default([]).describe('Plugins besides those of the config.'),
  set: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Keys laid over the config in every trial: train.maxSteps: 20.'),
  space: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .describe('Keys to search: { loguniform: [1e-5, 1e-2] } or trlX’s { strategy: loguniform, values: [1e-5, 1e-2] }.'),
  metric: z.string().min(1).default('eval_loss').describe('Metric of metrics.jsonl; a trial has its last value.'),
  mode: z
    .enum(['auto', 'min', 'max'])
    .default('auto')
    .describe('What is better; auto: less of a loss, perplexity or divergence, more of anything else.'),
  sampler: z
    .union([z.enum(['tpe', 'random', 'grid']), tpe])
    .default('tpe')
    .describe('How the next parameters are chosen.'),
  pruner: asha.nullable().default(null).describe('Ends trials that fall behind; null: none.'),
  trials: z.int().min(1).nullable().default(null).describe('How many; a grid has as many as it has combinations.'),
  parallel: z.int().min(1).default(1).describe('Trials at the same time.'),
  seed: z.int().min(0).default(42).describe('Of what is drawn at random.'),
  output: z.string().min(1).optional().describe("Folder of the sweep; default runs/<the file's name>."),
});

export interface Sweep {
  readonly name: string;
  /** Absolute paths. */
  readonly config: string;
  readonly output: string;
  /** Arguments of `llmf train` besides config, parameters and output. */
  readonly words: readonly string[];
  readonly space: Readonly<Record<string, Space>>;
  readonly metric: string;
  readonly direction: Direction;
  readonly sampler: Sampler;
  readonly pruner: AshaOptions | null;
  readonly trials: number;
  readonly parallel: number;
  readonly seed: number;
  /** What must not change when a sweep is gone on with. */
  readonly deciding: Readonly<Record<string, unknown>>;
}

/** @throws coded errors with file and line */
export async function readSweep(folder: string, file: string): Promise<Sweep> {
  const given = await readConfig(folder, file);
  const isTrlx = isTrlxSweep(given);
  const input = isTrlx ? await ofTrlx(given) : given;
  const mistakes = new Mistakes(input.source);
  const read = mistakes.parse(sweepKeys, input.raw, []) as z.infer<typeof sweepKeys> | null;
  const space = read === null ? {} : spacesOf(read.space, mistakes);
  mistakes.throwIfAny();
  return settled(read!, space, input, isTrlx ? ['--from', 'trlx'] : []);
}

function spacesOf(
  written: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  mistakes: Mistakes,
): Record<string, Space> {
  const spaces: Record<string, Space> = {};
  const expected = `{ NAME: [values] }, NAME one of ${strategyNames.join(', ')}`;
  for (const [key, value] of Object.entries(written)) {
    const { strategy, values, ...others } = value;
    const [[name, given] = ['', null], second] =
      strategy === undefined ? Object.entries(value) : [[String(strategy), values] as const, Object.keys(others)[0]];
    if (second !== undefined || !Array.isArray(given)) {
      mistakes.badValue(['space', key], value, expected);
      continue;
    }
    const space = spaceOf(name, given);
    if (typeof space === 'string') mistakes.badValue(['space', key], value, space);
    else spaces[key] = space;
  }
  return spaces;
}

function settled(
  read: z.infer<typeof sweepKeys>,
  space: Readonly<Record<string, Space>>,
  input: ConfigInput,
  from: readonly string[],
): Sweep {
  const name = parse(input.file ?? 'sweep').name;
  const base = input.file === null ? input.folder : dirname(input.file);
  const config = resolve(base, read.config);
  if (!isThereSync(config))
    throw sweepErrors.sweepConfig({ path: read.config, where: input.source.locate(['config']) });
  if (Object.keys(space).length === 0) throw sweepErrors.sweepEmpty({ where: input.source.locate(['space']) });
  const isGrid = read.sampler === 'grid';
  const walked = Object.entries(space).filter(([, each]) => each.isGrid || isGrid);
  const open = walked.find(([, { distribution }]) => distribution.kind !== 'choice');
  if (open !== undefined) throw sweepErrors.sweepGrid({ key: open[0], where: input.source.locate(['space', open[0]]) });
  const product = combinations(Object.fromEntries(walked)).length;
  if (read.trials === null && !isGrid) throw sweepErrors.sweepTrials({ where: input.source.locate(['trials']) });
  const { config: _config, plugins, set, output, parallel, ...rest } = read;
  return {
    name,
    config,
    output: resolve(base, output ?? join('runs', name)),
    words: [
      ...from,
      ...plugins.flatMap((plugin) => ['--plugin', /^[./]/.test(plugin) ? resolve(base, plugin) : plugin]),
      ...Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
    ],
    space,
    metric: read.metric,
    direction: isLessBetter(read.metric, read.mode) ? 'minimize' : 'maximize',
    sampler: isGrid ? gridSampler : withGrid(samplerOf(read.sampler)),
    pruner: read.pruner,
    // As Ray Tune: each combination of a grid as often as there are trials.
    trials: isGrid ? (read.trials ?? product) : read.trials! * product,
    parallel,
    seed: read.seed,
    deciding: { ...rest, trials: null, set, plugins },
  };
}

const samplerOf = (sampler: z.infer<typeof sweepKeys>['sampler']): Sampler =>
  isPlain(sampler) ? tpeSampler(sampler) : sampler === 'tpe' ? tpeSampler() : randomSampler;
