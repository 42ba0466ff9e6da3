// SPDX-License-Identifier: Apache-2.0
import type { Loss } from '@llmf/training';
import type { Precision } from '@llmf/core';
import { tf } from '@llmf/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { tolerances } from '../tolerances.js';
import type { ChosenLoss } from './evaluate-loss.js';
import { lossClaims, type Claim, type LossClaim } from './loss-claims.js';

/** One set of options that a loss is held to. */
export interface LossCase {
  /** As written in a config, without `name`; defaults are filled in by the loss's schema. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Why a claim does not hold for these options; the suite then demands that it really does not. */
  readonly except?: Partial<Record<LossClaim, string>>;
}

export interface LossSuiteOptions {
  /** tfjs backend to run on; the current one when left out. */
  readonly backend?: string;
  readonly precision?: Precision;
}

/**
 * The contract of a loss as a vitest suite: what the engine relies on, checked on synthetic rows for every case.
 *
 * ```ts
 * describeLoss(dpoLoss, [{}, { options: { beta: 0.5 } }]);
 * ```
 */
export function describeLoss<Options>(
  loss: Loss<Options>,
  cases: readonly LossCase[] = [{}],
  { backend, precision = 'f32' }: LossSuiteOptions = {},
): void {
  describe(`loss ${loss.name} keeps the contract`, () => {
    beforeAll(async () => {
      if (backend !== undefined) await tf.setBackend(backend);
      await tf.ready();
    });
    it('has cases', () => expect(cases.length).toBeGreaterThan(0));
    for (const { options, except = {} } of cases) {
      describe(`with ${options === undefined ? 'its defaults' : JSON.stringify(options)}`, () => {
        for (const [name, { title, check }] of Object.entries<Claim>(lossClaims)) {
          const reason = except[name as LossClaim];
          const run = () => check(chooseLoss(loss, options), tolerances[precision]);
          if (reason === undefined) it(title, run);
          else it(`not: ${title} (${reason})`, () => expect(run).toThrow());
        }
      });
    }
  });
}

/** The loss with options as a config writes them. @throws where its schema refuses them. */
export function chooseLoss<Options>(loss: Loss<Options>, options: Readonly<Record<string, unknown>> = {}): ChosenLoss {
  const result = loss.options?.safeParse(options) ?? { success: true, data: options };
  if (result.success) return { loss: loss as Loss, options: result.data as never };
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new Error(`loss ${loss.name} refuses ${JSON.stringify(options)}: ${problems.join('; ')}`);
}
