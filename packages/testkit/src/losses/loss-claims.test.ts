// SPDX-License-Identifier: Apache-2.0
import { type Loss, type LossInputs, type LossNeeds, type LossResult, metricMean, pairs, pick } from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { tolerances } from '../tolerances.js';
import { chooseLoss } from './describe-loss.js';
import { lossClaims, type LossClaim } from './loss-claims.js';

/** A loss that keeps every claim: squared lead over the reference's. */
const sound: Loss<object> = {
  name: 'sound',
  options: { shape: {}, safeParse: (given) => strict(given) },
  needs: () => needs({}),
  compute: (inputs) => result(tf.square(tf.sub(tf.add(lead(inputs), 1), referenceLead(inputs)))),
  atReference: () => 1,
};

/** One thing wrong with it, and the claim that must notice. */
const broken: Record<LossClaim, Partial<Loss<object>>> = {
  strictOptions: { options: { shape: {}, safeParse: (data) => ({ success: true, data }) } },
  constantNeeds: { needs: () => needs({ columns: [String(count++)] }) },
  itemPerUnit: { compute: (inputs) => result(tf.mean(sharp(inputs), 0, true)) },
  finite: { compute: (inputs) => result(tf.log(tf.neg(tf.square(sharp(inputs))))) },
  finiteExtremes: { compute: (inputs) => result(tf.exp(tf.neg(lead(inputs)))) },
  finiteDifferences: { compute: (inputs) => result(withHalfGradient(sharp(inputs))) },
  atReference: { atReference: () => Math.LN2 },
  anyOrder: { compute: (inputs) => result(firstSum(inputs)) },
  anyMicrobatch: { compute: (inputs) => result(tf.sub(lead(inputs), tf.mean(lead(inputs)))) },
  countedMetrics: {
    compute: (inputs) => ({ ...result(sharp(inputs)), metrics: { lead: { sum: tf.sum(lead(inputs)), count: 0 } } }),
  },
  declaredNeeds: { needs: () => needs({ reference: 'none' }) },
  unweighted: { compute: (inputs) => result(tf.mul(sharp(inputs), tf.tensor1d(everySecond(inputs.weight)))) },
  noLeak: { compute: (inputs) => result(tf.keep(sharp(inputs))) },
};
let count = 0;

describe('the contract suite of losses', () => {
  const names = Object.keys(lossClaims) as LossClaim[];

  it.each(names)('holds a sound loss to be sound: %s', (name) => {
    lossClaims[name].check(chooseLoss(sound), tolerances.f32);
  });

  it.each(names)('notices a loss that breaks %s', (name) => {
    const chosen = chooseLoss({ ...sound, ...broken[name] });
    expect(() => lossClaims[name].check(chosen, tolerances.f32)).toThrow();
  });
});

function needs(changed: Partial<LossNeeds>): LossNeeds {
  return { rows: 'pair', reference: 'required', stats: ['logProb'], span: 'response', coupling: 'item', ...changed };
}

function result(items: Tensor1D): LossResult {
  return { items, unit: 'group', metrics: { items: metricMean(items) } };
}

function lead(inputs: LossInputs): Tensor1D {
  const { policy } = pairs(inputs);
  return tf.sub(policy.chosen.sum, policy.rejected.sum);
}

function referenceLead(inputs: LossInputs): Tensor1D {
  const { reference } = pairs(inputs);
  return tf.sub(reference.chosen.sum, reference.rejected.sum);
}

const sharp = (inputs: LossInputs): Tensor1D => tf.square(tf.sub(lead(inputs), 1));

/** Wrong: takes the first answer of each row for the chosen one. */
const firstSum = ({ policy, group }: LossInputs): Tensor1D =>
  pick(
    policy.sum,
    Int32Array.from(group.keys()).filter((response) => response % 2 === 0),
  );

const everySecond = (values: Float32Array) => values.filter((_, index) => index % 2 === 0);

function withHalfGradient(items: Tensor1D): Tensor1D {
  const op = tf.customGrad((x) => ({ value: tf.clone(x as Tensor1D), gradFunc: (dy: Tensor1D) => tf.div(dy, 2) }));
  return op(items) as Tensor1D;
}

function strict(given: unknown): ReturnType<NonNullable<Loss['options']>['safeParse']> {
  if (Object.keys(given as object).length === 0) return { success: true, data: {} };
  return { success: false, error: { issues: [{ path: [], message: 'unknown key' }] } };
}
