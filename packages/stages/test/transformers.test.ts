// SPDX-License-Identifier: Apache-2.0
/** Stages over heads, and masked tokens, against Transformers (oracles/stages/make_fixtures.py): values and gradients. */
import { readdirSync } from 'node:fs';
import { jsBackend, tf } from '@llmf/nn';
import { metricMean, type Loss } from '@llmf/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { classifyLoss, type ClassifyOptions } from '../src/classify/classify-loss.js';
import { labelledPlaces } from '../src/classify/token-classification.js';
import { atOwnPlaces } from '../src/own-places.js';
import { expectedOf, folderOf, loadTiny, outcomeOf, packed, relativeError, type Outcome, type Tiny } from './tiny.js';

beforeAll(async () => void (await jsBackend.start({}, 'f32')));

const forms = { class: 'class', labels: 'classes', number: 'numbers', numbers: 'numbers', words: 'words' } as const;
const cases = readdirSync(folderOf(), { withFileTypes: true }).flatMap((each) =>
  each.isDirectory() ? [each.name] : [],
);

async function compare(
  name: string,
  outcome: (tiny: Tiny, expected: Awaited<ReturnType<typeof expectedOf>>) => Outcome,
) {
  const tiny = await loadTiny(name);
  const expected = await expectedOf(name);
  const got = outcome(tiny, expected);
  expect(Math.abs(got.loss - expected.loss) / expected.loss, 'loss').toBeLessThan(1e-5);
  let compared = 0;
  for (const [weight, gradient] of expected.gradients) {
    const size = Math.sqrt(gradient.reduce((sum, each) => sum + each * each, 0));
    const own = got.gradients.get(weight);
    if (own === undefined || size < 1e-6) continue;
    expect(relativeError(own, gradient), weight).toBeLessThan(1e-3);
    compared++;
  }
  expect(compared).toBeGreaterThan(expected.gradients.size - 4); // but keys' biases, whose gradient is 0
  tiny.model.dispose();
  for (const head of tiny.heads.values()) head.dispose();
  return got;
}

it('has every case of the oracle', () => expect(cases).toHaveLength(13));

describe.each(cases.filter((name) => !name.endsWith('masked')))('%s', (name) => {
  it("has Transformers' loss within 1e-5 and every gradient within 1e-3", async () => {
    const form = forms[name.split('-')[1] as keyof typeof forms];
    const got = await compare(name, (tiny, expected) => {
      const batch = form === 'words' ? labelledPlaces(packed(expected)) : packed(expected);
      const options: ClassifyOptions = { head: tiny.heads.get('score')!.head, form };
      return outcomeOf(tiny, batch, classifyLoss as unknown as Loss<ClassifyOptions>, options);
    });
    if (form === 'numbers') expect(got.metrics['mse']).toBeCloseTo(got.loss, 5);
    else expect(Object.keys(got.metrics)).toEqual(expect.arrayContaining(['accuracy', 'f1']));
  });
});

describe.each(cases.filter((name) => name.endsWith('masked')))('%s', (name) => {
  it("has Transformers' loss of hidden tokens within 1e-5 and every gradient within 1e-3", async () => {
    await compare(name, (tiny, expected) => {
      const batch = packed(expected);
      const labels = expected.labels.values;
      const places = [...labels.keys()].filter((at) => labels[at] !== -100);
      const hidden = {
        ...batch,
        ids: Int32Array.from(batch.ids, (id, at) => (labels[at] === -100 ? id : labels[at]!)),
      };
      return outcomeOf(tiny, atOwnPlaces(hidden, batch.ids, places), likelihood, {});
    });
  });
});

/** What stage masked learns by: minus the log-probability of each counted token, as loss-sft has it. */
const likelihood: Loss<object> = {
  name: 'likelihood',
  needs: () => ({ rows: 'single', reference: 'none', stats: ['logProb'], span: 'response', coupling: 'item' }),
  compute({ policy }) {
    const items = tf.neg<tf.Tensor1D>(policy.logProb);
    return { items, unit: 'token', metrics: { nll_loss: metricMean(items) } };
  },
  atReference: () => null,
};
