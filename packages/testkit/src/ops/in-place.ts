// SPDX-License-Identifier: Apache-2.0
import {
  accumulate,
  adamwStep,
  embedding,
  grads,
  linear,
  tf,
  writeRows,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Variable,
} from '@llmf/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { near } from './near.js';
import { host, type HostValue } from './op-case.js';

const attributes = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Contract of the kernels that change their inputs. */
export function describeInPlaceOps(start: () => Promise<void>, tolerance: number): void {
  beforeAll(start);

  describe('accumulate', () => {
    it('adds into the accumulator, takes both, and leaves one tensor', async () => {
      const before = tf.memory().numTensors;
      const sum = accumulate(tf.tensor1d([1, 2, 3]), tf.tensor1d([10, 20, 30]));
      expect([...(await sum.data())]).toEqual([11, 22, 33]);
      expect(tf.memory().numTensors).toBe(before + 1);
      sum.dispose();
    });

    it('leaves a tensor alone that shares the accumulator', async () => {
      const original = tf.tensor1d([1, 2, 3]);
      const sum = accumulate(tf.reshape(original, [3]), tf.tensor1d([10, 20, 30]));
      expect([...(await original.data())]).toEqual([1, 2, 3]);
      expect([...(await sum.data())]).toEqual([11, 22, 33]);
      tf.dispose([original, sum]);
    });
  });

  describe('the gradient of a table that is embedding and head at once', () => {
    it('is the sum of what each gives, to the bit', async () => {
      const table = host('table', [40, 19]);
      const ids = Int32Array.of(3, 39, 0, 3, 3, 7);
      const loss = (embedded: Tensor, head: Tensor) =>
        tf.sum(tf.square(linear(embedding(ids, embedded as Tensor2D), head as Tensor2D))) as Scalar;
      const live: [Tensor2D, Tensor2D] = [tf.tensor2d(table.data, [40, 19]), tf.tensor2d(table.data, [40, 19])];
      const { value: apart, gradients } = grads(loss)(live);
      const { value: together, gradients: sums } = grads((both: Tensor) => loss(both, both))([live[0]!]);
      const expected = tf.add(gradients[1]!, gradients[0]!); // the head's comes first, walking back
      expect(await together.data()).toEqual(await apart.data());
      expect([...(await sums[0]!.data())]).toEqual([...(await expected.data())]);
      tf.dispose([live, gradients, sums, expected, apart, together]);
    });
  });

  describe('writeRows', () => {
    it('writes rows where they belong and leaves the others', async () => {
      const before = tf.memory().numTensors;
      const target = tf.variable(tf.tensor3d([[[1, 2]], [[3, 4]], [[5, 6]]]), false);
      const values = tf.tensor3d([[[10, 20]], [[30, 40]]]);
      writeRows(target, values, Int32Array.of(2, 0));
      expect([...(await target.data())]).toEqual([30, 40, 3, 4, 10, 20]);
      tf.dispose([target, values]);
      expect(tf.memory().numTensors).toBe(before + 1); // the variable's first value
    });

    it('refuses a row outside of the target', () => {
      const target = tf.variable(tf.zeros([2, 1, 1]), false);
      const values = tf.zeros([1, 1, 1]) as Tensor3D;
      expect(() => writeRows(target, values, Int32Array.of(2))).toThrow(/LLMF_NN_INDEX: writeRows/);
      tf.dispose([target, values]);
    });
  });

  describe('adamw', () => {
    it('updates several parameters of different shapes, each with its own weight decay', async () => {
      const parameters = [3, 70].map((size, index) => {
        const [p, g] = [host(`p${size}`, [size]), host(`g${size}`, [size])];
        const [m, v] = [host('zero', [size], 0), host('zero', [size], 0)];
        return { given: { parameter: p, gradient: g, m, v }, weightDecay: 0.1 * index };
      });
      const live = parameters.map(({ given, weightDecay }) => ({
        parameter: variable(given.parameter),
        m: variable(given.m),
        v: variable(given.v),
        gradient: tf.tensor(given.gradient.data, [...given.gradient.shape], 'float32'),
        weightDecay,
      }));
      adamwStep(live, { ...attributes, step: 1 });
      for (const [index, { given, weightDecay }] of parameters.entries()) {
        const expected = formula(given, 1, weightDecay, 1).parameter;
        const { shape } = given.parameter;
        const data = (await live[index]!.parameter.data()) as Float32Array;
        near({ shape, data }, { shape, data: expected }, tolerance, `parameter ${index}`);
      }
      tf.dispose(live.map(({ parameter, gradient, m, v }) => [parameter, gradient, m, v]));
    });

    it.each([
      ['a first step', 1, 0, null],
      ['weight decay and clipping at a later step', 7, 0.1, 0.25],
    ] as const)('moves parameter and moments as the formula says: %s', async (_name, step, weightDecay, scale) => {
      const shape = [5, 13];
      const given = {
        parameter: host('p', shape),
        gradient: host('g', shape),
        m: host('m', shape, 0.1),
        v: square(host('v', shape)),
      };
      const before = tf.memory().numTensors;
      const variables = { parameter: variable(given.parameter), m: variable(given.m), v: variable(given.v) };
      const gradient = tf.tensor(given.gradient.data, shape, 'float32');
      const factor = scale === null ? undefined : (tf.scalar(scale) as Scalar);
      adamwStep([{ ...variables, gradient, weightDecay }], { ...attributes, step }, factor);
      const expected = formula(given, step, weightDecay, scale ?? 1);
      for (const name of ['parameter', 'm', 'v'] as const) {
        near(
          { shape, data: (await variables[name].data()) as Float32Array },
          { shape, data: expected[name] },
          tolerance,
          name,
        );
      }
      tf.dispose([...Object.values(variables), gradient, ...(factor === undefined ? [] : [factor])]);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}

/** Loshchilov & Hutter 2019, algorithm 2, in double precision, one entry at a time. */
function formula(
  { parameter, gradient, m, v }: Record<'parameter' | 'gradient' | 'm' | 'v', HostValue>,
  step: number,
  weightDecay: number,
  scale: number,
): Record<'parameter' | 'm' | 'v', Float32Array> {
  const { learningRate, beta1, beta2, epsilon } = attributes;
  const after = { parameter: new Float32Array(m.data), m: new Float32Array(m.data), v: new Float32Array(v.data) };
  for (const [i, theta] of parameter.data.entries()) {
    const g = gradient.data[i]! * scale;
    const first = beta1 * m.data[i]! + (1 - beta1) * g;
    const second = beta2 * v.data[i]! + (1 - beta2) * g * g;
    const direction = first / (1 - beta1 ** step) / (Math.sqrt(second / (1 - beta2 ** step)) + epsilon);
    after.parameter[i] = theta * (1 - learningRate * weightDecay) - learningRate * direction;
    after.m[i] = first;
    after.v[i] = second;
  }
  return after;
}

const square = ({ shape, data }: HostValue): HostValue => ({ shape, data: data.map((value) => 0.01 * value * value) });

function variable({ shape, data }: HostValue): Variable {
  const tensor = tf.tensor(data, [...shape], 'float32');
  const kept = tf.variable(tensor);
  tensor.dispose();
  return kept;
}
