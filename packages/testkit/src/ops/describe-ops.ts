// SPDX-License-Identifier: Apache-2.0
import { kernels, tf } from '@llmf/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { opCases } from './cases/index.js';
import { evaluateOp, finiteDifferences, type Evaluated } from './evaluate-op.js';
import { describeInPlaceOps } from './in-place.js';
import { describeSampling } from './sampling.js';
import { near } from './near.js';

export interface OpSuiteOptions {
  /** Makes the backend the current one. */
  readonly start: () => Promise<void>;
  /** Largest allowed difference, as a share of 1 + the largest value; 1e-5 for float32. */
  readonly tolerance?: number;
  /** Also against finite differences: once for each op's gradient is enough, on the backend whose maths is in question. */
  readonly finiteDifferences?: boolean;
}

/**
 * Holds a backend to the contract of every op: values and gradients equal the same maths in ordinary tfjs operations on
 * the plain JS backend, results repeat bit by bit, no tensor is left behind. Kernels the backend lacks are nn's
 * composites, which must pass here too.
 */
export function describeOps(backend: string, options: OpSuiteOptions): void {
  const { start, tolerance = 1e-5 } = options;
  describe(`ops on ${backend}`, () => {
    it('cover every kernel of the contract', () => {
      const reached = new Set([
        ...opCases.flatMap((one) => one.kernels),
        kernels.adamw,
        kernels.accumulate,
        kernels.accumulateRows,
        kernels.writeRows,
        kernels.sampleTokens,
      ]);
      expect(Object.values(kernels).filter((name) => !reached.has(name))).toEqual([]);
    });

    describe.each(opCases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
      let expected: Evaluated;
      beforeAll(async () => {
        await tf.setBackend('cpu');
        expected = await evaluateOp(one, 'naive');
        await start();
      });

      it('gives the values and gradients of the plain maths, the same bits twice, and leaves no tensor', async () => {
        await evaluateOp(one, 'run'); // registers composites
        const before = tf.memory();
        const first = await evaluateOp(one, 'run');
        const second = await evaluateOp(one, 'run');
        expect(tf.memory().numTensors).toBe(before.numTensors);
        expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
        expect(second).toEqual(first);
        expectClose(first, expected, tolerance);
      });

      if (options.finiteDifferences !== true) return;
      const reason = one.skipFiniteDifferences;
      it.skipIf(reason !== undefined)(
        `has the slope of finite differences${reason ? ` (${reason})` : ''}`,
        async () => {
          // Step 2⁻⁶: its square, 2e-4, and the rounding of a float32 sum divided by it, 1e-5, are the errors to expect.
          const differences = await finiteDifferences(one, 2 ** -6);
          const { gradients } = await evaluateOp(one, 'run');
          for (const [input, slopes] of Object.entries(differences)) {
            const scale = 5e-3 * (1 + Math.max(0, ...gradients[input]!.data.map(Math.abs)));
            for (const { index, slope } of slopes) {
              expect(Math.abs(gradients[input]!.data[index]! - slope), `d${input}[${index}]`).toBeLessThan(scale);
            }
          }
        },
      );
    });

    describeInPlaceOps(start, tolerance);
    describeSampling(start, tolerance);
  });
}

function expectClose(got: Evaluated, expected: Evaluated, tolerance: number): void {
  expect(got.outputs.length).toBe(expected.outputs.length);
  for (const [index, output] of expected.outputs.entries())
    near(got.outputs[index]!, output, tolerance, `output ${index}`);
  expect(Object.keys(got.gradients)).toEqual(Object.keys(expected.gradients));
  for (const [name, gradient] of Object.entries(expected.gradients))
    near(got.gradients[name]!, gradient, tolerance, `d${name}`);
}
