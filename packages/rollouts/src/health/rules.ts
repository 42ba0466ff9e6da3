// SPDX-License-Identifier: Apache-2.0
import { fromTo, lastOf, mean } from '@llmf/training';
import { correlation } from './correlation.js';
import type { HealthRule, StepFacts } from './health-rule.js';

const percent = (share: number) => `${Math.round(100 * share)} %`;
const short = (value: number) => String(Number(value.toPrecision(3)));

/** The policy leaves its reference behind. @param limit nats an answer */
export const klExplosion = (limit: number): HealthRule => ({
  name: 'kl-explosion',
  see(steps) {
    const [kl] = lastOf(steps, 'objective/kl', 1) ?? [0];
    if (kl! <= limit) return null;
    return `KL to the reference is ${short(kl!)} nats an answer, above ${short(limit)}: raise klCoefficient, or lower train.learningRate`;
  },
});

/** KL cannot be negative: an estimate well below 0 says that answers come from another distribution than the policy. */
export const negativeKl: HealthRule = {
  name: 'negative-kl',
  see(steps) {
    const last = lastOf(steps, 'objective/kl', 3);
    if (last === null || mean(last) > -1) return null;
    return `the estimated KL is ${short(mean(last))} nats an answer, below 0: answers are not drawn from the policy; set temperature 1, topK 0, topP 1, minP 0`;
  },
};

export const clipFraction: HealthRule = {
  name: 'clip-fraction',
  see(steps) {
    const last = lastOf(steps, 'policy/clipfrac_avg', 3);
    if (last === null || last.some((share) => share <= 0.3)) return null;
    return `${percent(mean(last))} of the tokens are clipped, so not learned from: lower train.learningRate, or make fewer updates of a step’s answers`;
  },
};

export const valueLoss: HealthRule = {
  name: 'value-loss',
  see(steps) {
    const loss = fromTo(steps, 'loss/value_avg', 5);
    if (loss === null || loss.to <= 4 * loss.from) return null;
    return `the value loss rose from ${short(loss.from)} to ${short(loss.to)}, so advantages are noise: lower the rate of the value head (train.groups), or scale scores (scoreScaling: running)`;
  },
};

/** What is rewarded may be the length. */
export const lengthReward: HealthRule = {
  name: 'length-reward',
  see(steps) {
    const score = fromTo(steps, 'objective/scores', 5);
    const length = fromTo(steps, 'completions/mean_length', 5);
    if (score === null || length === null || score.to <= score.from || length.to < 1.25 * length.from) return null;
    const answers = steps.slice(-5).flatMap((step) => step.answers);
    const likeness = correlation(answers.map((each) => [each.score, each.tokens]));
    if (likeness < 0.7) return null;
    return `the reward rises with the length of answers (correlation ${short(likeness)}, ${short(length.from)} to ${short(length.to)} tokens): let the reward not count length, or take something off for it`;
  },
};

export const missingEos: HealthRule = {
  name: 'missing-eos',
  see(steps) {
    const shares = steps.slice(-3).map(({ answers }) => mean(answers.map(({ isCutOff }) => (isCutOff ? 1 : 0))));
    if (shares.length < 3 || shares.some((share) => !(share > 0.5))) return null;
    return `${percent(mean(shares))} of the answers are cut off before they end: raise maxNewTokens, name their end in stop or stopIds, or set missingEosPenalty`;
  },
};

export const entropyCollapse: HealthRule = {
  name: 'entropy-collapse',
  see(steps) {
    const entropy = fromTo(steps, 'policy/entropy_avg', 3);
    if (entropy === null || entropy.to >= 0.1 * entropy.from) return null;
    return `the entropy of answers fell from ${short(entropy.from)} to ${short(entropy.to)} nats: raise klCoefficient or entropyCoefficient, or stop earlier`;
  },
};

export const equalScores: HealthRule = {
  name: 'equal-scores',
  see(steps) {
    const last = steps.slice(-3);
    if (last.length < 3 || !last.every(areEqual)) return null;
    return 'all answers of the last 3 steps got the same score, so there is nothing to learn: look at the reward, or draw more answers';
  },
};

const areEqual = ({ answers }: StepFacts) =>
  answers.length > 1 && answers.every(({ score }) => score === answers[0]!.score);
