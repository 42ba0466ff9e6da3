// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { AttachedHead, grads, tf, type Tensor, type Tensor1D, type Tensor2D } from '@llmf/nn';
import type { LossInputs, LossResult } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import algoIlql, {
  ilqlGuide,
  ilqlHeads,
  ilqlLoss,
  ilqlOptions,
  ilqlStage,
  qNames,
  targetName,
  type IlqlLossOptions,
} from './index.js';

interface Inputs {
  readonly lengths: readonly number[];
  readonly rewards: readonly number[];
  readonly actions: readonly number[];
  readonly q: readonly number[][][];
  readonly target: readonly number[][][];
  readonly value: readonly number[];
  readonly logProb: readonly number[];
}
interface Case {
  readonly options: Record<string, unknown>;
  readonly loss: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly gradients: {
    readonly q: readonly (number[][] | null)[];
    readonly value: readonly number[];
    readonly logProb: readonly number[] | null;
  };
}
const { inputs, cases } = JSON.parse(readFileSync(new URL('../fixtures/ilql.json', import.meta.url), 'utf8')) as {
  readonly inputs: Inputs;
  readonly cases: readonly Case[];
};

/** The two numbers of a head over the vocabulary, from all its outputs: [S, V] → [S, 2]. */
function actionsOf(q: Tensor2D): Tensor2D {
  const oneHot = tf.tensor2d(inputs.actions.map((action) => q.arraySync()[0]!.map((_, at) => (at === action ? 1 : 0))));
  const own = tf.sum(tf.mul(q, oneHot), 1);
  return tf.stack([own, tf.sub(own, tf.log(tf.sum(tf.exp(q), 1)))], 1) as Tensor2D;
}

function lossOf(q: readonly Tensor2D[], value: Tensor1D, logProb: Tensor1D, options: IlqlLossOptions): LossResult {
  const response = Int32Array.from(inputs.lengths.flatMap((length, r) => Array.from({ length }, () => r)));
  const heads: Record<string, Tensor2D> = { v_head: tf.reshape(value, [-1, 1]) as Tensor2D };
  for (const [at, name] of qNames(options.twoQs).entries()) {
    heads[name] = actionsOf(q[at]!);
    heads[targetName(name)] = actionsOf(tf.tensor2d(inputs.target[at]!));
  }
  const given = {
    policy: { logProb, heads },
    response,
    group: Int32Array.of(0, 1, 2),
    extras: { reward: Float32Array.from(inputs.rewards) },
  } as unknown as LossInputs;
  return ilqlLoss.compute(given, options) as LossResult;
}

const close = (got: Tensor, expected: readonly unknown[] | null, what: string) => {
  const wanted = expected === null ? [...got.dataSync()].map(() => 0) : (expected.flat(3) as number[]);
  for (const [at, value] of [...got.dataSync()].entries())
    expect(Math.abs(value - wanted[at]!), `${what} ${at}`).toBeLessThan(1e-6);
};

describe('the loss of ILQL', () => {
  it.each(cases)('and its gradients equal trlX’s formula: $options', ({ options: given, loss, parts, gradients }) => {
    const options = { ...ilqlOptions.parse(given), scale: { mean: 0, deviation: 1 } };
    const leaves = [
      ...inputs.q.map((q) => tf.tensor2d(q)),
      tf.tensor1d([...inputs.value]),
      tf.tensor1d([...inputs.logProb]),
    ] as Tensor[];
    const scalar = (...[q1, q2, value, logProb]: Tensor[]) =>
      tf.mean(lossOf([q1 as Tensor2D, q2 as Tensor2D], value as Tensor1D, logProb as Tensor1D, options).items);
    const result = grads(scalar as never)(leaves as never) as unknown as { readonly gradients: Tensor[] };
    expect(Math.abs(scalar(...leaves).dataSync()[0]! - loss)).toBeLessThan(1e-6);
    const [q1, q2, value, logProb] = result.gradients;
    close(q1!, gradients.q[0]!, 'Q1');
    close(q2!, gradients.q[1]!, 'Q2');
    close(value!, gradients.value, 'V');
    close(logProb!, gradients.logProb, 'log-prob');
    const { metrics } = lossOf(leaves.slice(0, 2) as Tensor2D[], leaves[2] as Tensor1D, leaves[3] as Tensor1D, options);
    for (const [name, part] of Object.entries(parts))
      expect(metrics[name]!.sum.dataSync()[0]! / metrics[name]!.count, name).toBeCloseTo(part, 5);
  });

  it('has as many cases as its oracle', () => expect(cases).toHaveLength(5));

  it('scales rewards by what is known of the rows', () => {
    const [q, value, logProb] = [
      inputs.q.map((each) => tf.tensor2d(each)),
      tf.tensor1d([...inputs.value]),
      tf.tensor1d([...inputs.logProb]),
    ];
    const options = ilqlOptions.parse({});
    const plain = lossOf(q, value, logProb, {
      ...options,
      scale: { mean: 0, deviation: 1 },
    }).items.arraySync() as number[];
    const scaled = lossOf(q, value, logProb, {
      ...options,
      scale: { mean: 1, deviation: 2 },
    }).items.arraySync() as number[];
    const changed = plain.map((item, at) => item !== scaled[at]);
    expect(changed).toEqual([false, false, true, true, false, false, false, true]); // the answers' last tokens alone
  });
});

describe('the stage', () => {
  it('is what the plugin brings, with trlX’s defaults', () => {
    const provided: unknown[] = [];
    algoIlql().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([ilqlStage, ilqlGuide]);
    expect(ilqlOptions.parse({})).toMatchObject({
      tau: 0.7,
      gamma: 0.99,
      cqlScale: 0.1,
      awacScale: 1,
      beta: 0,
      alpha: 0.001,
      syncEvery: 5,
    });
  });

  it('has one or two Q heads over the vocabulary, and V', () => {
    const size = { hiddenSize: 4, vocabularySize: 9 };
    expect(ilqlHeads(size, true).map(({ name, outputs, at }) => [name, outputs, at])).toEqual([
      ['q_head_1', 9, 'action'],
      ['q_head_2', 9, 'action'],
      ['v_head', 1, 'token'],
    ]);
    expect(ilqlHeads(size, false)).toHaveLength(2);
  });
});

describe('the guide', () => {
  const key = { seed: 3, stream: 'head', step: 0, microbatch: 0 };
  const heads = (twoQs: boolean) => {
    const all = ilqlHeads({ hiddenSize: 3, vocabularySize: 4 }, twoQs).map((head) =>
      AttachedHead.create(
        { ...head, name: head.name.startsWith('q') ? targetName(head.name) : head.name, deviation: 1 },
        3,
        key,
      ),
    );
    return new Map(all.map((head) => [head.head.name, head]));
  };
  const hidden = tf.tensor2d([1, -1, 0.5, 0, 2, 1], [2, 3]);
  const logits = tf.tensor2d([0, 1, 2, 3, 3, 2, 1, 0], [2, 4]);

  it('adds β times the advantage, of two Q’s the smaller', () => {
    const both = heads(true);
    const [one, two, value] = [...both.values()].map((head) => head.forward(hidden).arraySync());
    const got = ilqlGuide.open(both, 0.5)!(hidden, logits).arraySync();
    for (const [n, row] of logits.arraySync().entries())
      for (const [v, logit] of row.entries())
        expect(got[n]![v]).toBeCloseTo(logit + 0.5 * (Math.min(one![n]![v]!, two![n]![v]!) - value![n]![0]!), 5);
  });

  it('changes nothing at strength 0, and reads no heads but its own', () => {
    expect(ilqlGuide.open(heads(false), 0)!(hidden, logits).arraySync()).toEqual(logits.arraySync());
    expect(ilqlGuide.open(new Map(), 1)).toBeNull();
  });
});
