// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { HealthWatch } from '@llmf/training';
import type { HealthRule, StepFacts } from './health-rule.js';
import * as rules from './rules.js';

const answer = (score: number, tokens = 10, isCutOff = false) => ({ score, tokens, isCutOff });
const step = (metrics: Record<string, number>, answers = [answer(0), answer(1)]): StepFacts => ({ metrics, answers });
const steps = (
  count: number,
  metrics: (at: number) => Record<string, number>,
  answers?: (at: number) => StepFacts['answers'],
) => Array.from({ length: count }, (_, at) => step(metrics(at), answers?.(at) as never));

/** What a rule says of these steps, shown one by one: the step, and the line. */
function said(rule: HealthRule, shown: readonly StepFacts[]): string[] {
  const lines: string[] = [];
  const logger = { info: () => undefined, warn: (line: string) => void lines.push(line) };
  const watch = new HealthWatch({ logger }, [rule]);
  for (const [at, facts] of shown.entries()) watch.see(at + 1, facts);
  return lines;
}

const longer = (at: number) => [answer(at, 10 + at), answer(at + 1, 12 + at), answer(at + 2, 14 + at)];

describe.each<[string, HealthRule, readonly StepFacts[], RegExp, readonly StepFacts[]]>([
  [
    'KL that explodes',
    rules.klExplosion(18),
    steps(3, (at) => ({ 'objective/kl': 10 * at })),
    /^health \(step 3, kl-explosion\): .* 20 nats .* raise klCoefficient/,
    steps(3, () => ({ 'objective/kl': 17 })),
  ],
  [
    'KL below 0',
    rules.negativeKl,
    steps(3, () => ({ 'objective/kl': -2 })),
    /step 3, negative-kl.* set temperature 1/,
    steps(9, (at) => ({ 'objective/kl': at % 2 === 0 ? -0.9 : 0.5 })),
  ],
  [
    'a large share of clipped tokens',
    rules.clipFraction,
    steps(3, () => ({ 'policy/clipfrac_avg': 0.5 })),
    /step 3, clip-fraction.* 50 % .* lower train.learningRate/,
    steps(9, (at) => ({ 'policy/clipfrac_avg': at % 3 === 0 ? 0.1 : 0.9 })),
  ],
  [
    'a value loss that rises',
    rules.valueLoss,
    steps(10, (at) => ({ 'loss/value_avg': at < 5 ? 0.1 : 0.9 })),
    /step 10, value-loss.* 0.1 to 0.9.*train.groups/,
    steps(20, () => ({ 'loss/value_avg': 0.4 })),
  ],
  [
    'a reward that rises with the length alone',
    rules.lengthReward,
    steps(10, (at) => ({ 'objective/scores': at, 'completions/mean_length': 10 + at }), longer),
    /step 10, length-reward.*correlation 0\.\d+, .* tokens/,
    steps(
      10,
      (at) => ({ 'objective/scores': at, 'completions/mean_length': 10 + at }),
      (at) => [answer(at, 14), answer(at + 1, 9 + at), answer(at, 20)],
    ),
  ],
  [
    'answers without an end',
    rules.missingEos,
    steps(
      3,
      () => ({}),
      () => [answer(0, 5, true), answer(1, 5, true), answer(1, 5)],
    ),
    /step 3, missing-eos.* 67 % .* missingEosPenalty/,
    steps(
      9,
      () => ({}),
      () => [answer(0, 5, true), answer(1, 5)],
    ),
  ],
  [
    'entropy that collapses',
    rules.entropyCollapse,
    steps(6, (at) => ({ 'policy/entropy_avg': at < 3 ? 2 : 0.1 })),
    /step 6, entropy-collapse.* 2 to 0.1 nats: raise klCoefficient/,
    steps(6, (at) => ({ 'policy/entropy_avg': at < 3 ? 2 : 0.3 })),
  ],
  [
    'scores that are all the same',
    rules.equalScores,
    steps(
      3,
      () => ({}),
      () => [answer(1), answer(1)],
    ),
    /step 3, equal-scores/,
    steps(9, () => ({})),
  ],
])('%s', (_, rule, ill, line, well) => {
  it('is told in one line with a remedy, once', () => {
    const lines = said(rule, [...ill, ...ill]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(line);
    expect(lines[0]).not.toContain('\n');
  });

  it('is not told of a run that is well', () => expect(said(rule, well)).toEqual([]));
});

it('a long run is still compared with its beginning', () => {
  const long = steps(200, (at) => ({ 'policy/entropy_avg': at < 150 ? 2 : 0.05 }));
  expect(said(rules.entropyCollapse, long)).toHaveLength(1);
});
