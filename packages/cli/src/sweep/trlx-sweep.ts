// SPDX-License-Identifier: Apache-2.0
/**
 * trlX's sweep files (trlx/sweep.py, 0.7): `tune_config`, and beside it what is searched, by the keys of trlX's configs. Read
 * as a sweep of ours over `config`, one of those configs: each key is followed to where trlX's rules put its values.
 */
import { dirname, resolve } from 'node:path';
import { isPlain, readConfig, type ConfigInput } from '@llmf/core';
import { listOf } from '../import/rules.js';
import { translate, type Options } from '../import/translation.js';
import { trlx } from '../import/trlx.js';
import { sweepErrors } from './sweep-errors.js';

/** Keys of ours that may stand beside trlX's. */
const ownKeys = ['config', 'plugins', 'set', 'metric', 'mode', 'parallel', 'seed', 'output'];
const samplers: Readonly<Record<string, string>> = { random: 'random', bayesopt: 'tpe', bohb: 'tpe' };
const ashaSchedulers = ['hyperband', 'hyperbandforbohb'];

export const isTrlxSweep = ({ raw }: ConfigInput): boolean => isPlain(raw) && 'tune_config' in raw;

/** @throws LLMF_CLI_SWEEP_CONFIG, LLMF_CLI_SWEEP_TRLX */
export async function ofTrlx(input: ConfigInput): Promise<ConfigInput> {
  const raw = input.raw as Options;
  const where = input.source.locate(['config']);
  if (typeof raw['config'] !== 'string') throw sweepErrors.sweepTrlxConfig({ where });
  const base = input.file === null ? input.folder : dirname(input.file);
  const config = (await readConfig(base, raw['config'])).raw as Options;
  const tune = raw['tune_config'] as Options;
  const searched = Object.entries(raw).filter(([key]) => key !== 'tune_config' && !ownKeys.includes(key));
  const space = Object.fromEntries(searched.map(([key, value]) => spaceOf(config, key, value, input)));
  const kept = Object.fromEntries(ownKeys.filter((key) => key in raw).map((key) => [key, raw[key]]));
  const told = { metric: metricOf(tune, input), mode: tune['mode'] ?? 'auto' };
  const sweep = { ...told, ...kept, ...plan(tune, config, input), space, trials: tune['num_samples'] ?? 32 };
  return { ...input, raw: { ...sweep, config: resolve(base, raw['config']) } };
}

function plan(tune: Options, config: Options, input: ConfigInput): Options {
  const algorithm = String(tune['search_alg'] ?? 'random');
  const sampler = samplers[algorithm];
  if (sampler === undefined) throw refused(input, 'search_alg', algorithm, Object.keys(samplers).join(', '));
  const scheduler = String(tune['scheduler'] ?? 'fifo');
  if (scheduler === 'fifo') return { sampler };
  if (!ashaSchedulers.includes(scheduler))
    throw refused(input, 'scheduler', scheduler, ['fifo', ...ashaSchedulers].join(', '));
  const train = translate(trlx, config).config['train'] as Options | undefined;
  return { sampler, pruner: { name: 'asha', minimumSteps: Number(train?.['evalEvery'] ?? 10) } };
}

/** trlX's names of the mean reward of an evaluation; other metrics are named as ours. */
function metricOf(tune: Options, input: ConfigInput): string {
  const metric = String(tune['metric'] ?? 'mean_reward');
  if (['mean_reward', 'reward/mean'].includes(metric)) return 'eval_objective/scores';
  if ('metric' in (input.raw as Options)) return metric;
  throw refused(input, 'metric', metric, 'mean_reward or reward/mean; any other as metric: NAME, one of metrics.jsonl');
}

/** The key that the values of an option come to, and the values there. */
function spaceOf(config: Options, key: string, given: unknown, input: ConfigInput): [string, Options] {
  const { strategy, values } = (isPlain(given) ? given : {}) as Options;
  const all = listOf(values ?? []) as readonly unknown[];
  const list = Array.isArray(values) ? (values as readonly unknown[]) : all;
  const fail = (why: string) => refused(input, key, JSON.stringify(given), why);
  if (typeof strategy !== 'string' || list.length === 0) throw fail('{ strategy: NAME, values: [...] }');
  const configs = list.map((value) => {
    const { config: ours, report } = translate(trlx, { ...config, [key]: value });
    const line = report.find((each) => each.key === key);
    if (line?.kind !== 'taken') throw fail(`an option that has an effect here (${line?.text ?? 'it is not known'})`);
    return ours;
  });
  const paths = [...new Set(configs.slice(1).flatMap((other) => differing(configs[0]!, other)))];
  const [path, ...others] = paths.filter((each) => !paths.some((whole) => each.startsWith(`${whole}.`)));
  if (path === undefined) throw fail('values that differ');
  if (others.length > 0) throw fail(`an option that decides one key here, not ${[path, ...others].join(' and ')}`);
  const mapped = configs.map((each) => at(each, path));
  const isList = strategy === 'choice' || strategy === 'grid';
  if (!isList && mapped.some((value, index) => value !== list[index] && index < 2))
    throw fail(`strategy: choice, since ${path} has other values than ${key}`);
  return [path, { strategy, values: isList ? mapped : list }];
}

const refused = (input: ConfigInput, key: string, got: string, expected: string) => {
  const place = key in (input.raw as Options) ? [key] : ['tune_config', key];
  return sweepErrors.sweepTrlx({ key, got, expected, where: input.source.locate(place) });
};

/** Paths of values that two configs have otherwise; lists, and choices of another name, as wholes. */
function differing(one: Options, other: Options, prefix = ''): string[] {
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return keys.flatMap((key) => {
    const [left, right] = [one[key], other[key]];
    if (JSON.stringify(left) === JSON.stringify(right)) return [];
    const isInner = isPlain(left) && isPlain(right) && left['name'] === right['name'];
    return isInner ? differing(left as Options, right as Options, `${prefix}${key}.`) : [`${prefix}${key}`];
  });
}

const at = (config: Options, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Options | undefined)?.[key], config);
