// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { Loss } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import { tolerances } from '../tolerances.js';
import { evaluateLoss, lossGradient, meanLoss } from './evaluate-loss.js';
import { raggedBatch, type GroupData } from './ragged.js';

/** A fixture of `oracles/losses`: pairs as ragged log-probs and, per case, loss and gradients in double precision. */
interface LossFixture {
  readonly inputs: Readonly<Record<string, readonly PairData[]>>;
  readonly cases: readonly {
    readonly name: string;
    readonly inputs: string;
    readonly options: Readonly<Record<string, unknown>>;
    readonly source: string;
    readonly loss: number;
    readonly items: readonly number[] | null;
    readonly gradient: readonly Record<'prompt' | 'chosen' | 'rejected', readonly number[] | null>[];
  }[];
}
interface PairData {
  readonly prompt: readonly number[];
  readonly chosen: SideData;
  readonly rejected: SideData;
}
interface SideData {
  readonly policy: readonly number[];
  readonly reference: readonly number[];
  readonly logSumSquaredProbabilities?: readonly number[];
}

/**
 * Holds a loss to the fixtures of another implementation, as a vitest suite: value of the batch, of each pair where it is
 * a mean over pairs, and gradient with respect to every policy log-prob, within the f32 tolerances.
 *
 * @param file path or file URL of the fixture
 * @param count cases the fixture must hold, so that an empty one fails
 */
export function describeLossOracle<Options>(loss: Loss<Options>, file: string | URL, count: number): void {
  const fixture = JSON.parse(readFileSync(file, 'utf8')) as LossFixture;
  const { value, gradient: gradientTolerance } = tolerances.f32;
  describe(`loss ${loss.name} equals its oracle`, () => {
    it(`in ${count} cases`, () => expect(fixture.cases.length).toBe(count));
    it.each(fixture.cases)('$inputs: $name ($source)', ({ inputs, options, loss: expected, items, gradient }) => {
      const parsed = loss.options!.safeParse(options);
      if (!parsed.success) throw new Error(parsed.error.issues.map(({ message }) => message).join('; '));
      const chosen = { loss: loss as Loss, options: parsed.data as never };
      const groups = fixture.inputs[inputs]!.map(groupOf);
      const batch = raggedBatch(groups);
      const results = evaluateLoss(chosen, batch);

      expect(Math.abs(meanLoss(results) - expected)).toBeLessThanOrEqual(value * Math.max(1, Math.abs(expected)));
      for (const [pair, item] of (items ?? []).entries()) {
        const got = results.reduce((sum, result) => sum + result.items[pair]!, 0);
        expect(Math.abs(got - item), `pair ${pair}: ${got}, not ${item}`).toBeLessThanOrEqual(
          value * Math.max(1, Math.abs(item)),
        );
      }
      const got = lossGradient(chosen, batch);
      const wanted = groups.flatMap(({ answers }, g) =>
        answers.flatMap(({ role, policy }) => gradient[g]![role as 'chosen'] ?? policy.map(() => 0)),
      );
      const wantedPrompt = groups.flatMap(({ prompt }, g) => gradient[g]!.prompt ?? prompt.map(() => 0));
      const scale = Math.max(...[...wanted, ...wantedPrompt].map(Math.abs));
      expect(farthest([...got.logProb], wanted), 'gradient').toBeLessThanOrEqual(gradientTolerance * scale);
      expect(farthest([...got.promptLogProb], wantedPrompt), 'prompt gradient').toBeLessThanOrEqual(
        gradientTolerance * scale,
      );
    });
  });
}

/** Every second pair has its rejected answer first: a loss must not rely on the order. */
function groupOf({ prompt, chosen, rejected }: PairData, index: number): GroupData {
  const answers = [
    { role: 'chosen' as const, ...chosen },
    { role: 'rejected' as const, ...rejected },
  ];
  return { prompt, answers: index % 2 === 0 ? answers : answers.toReversed() };
}

function farthest(got: readonly number[], wanted: readonly number[]): number {
  expect(got.length).toBe(wanted.length);
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(got[i]! - value)), 0);
}
