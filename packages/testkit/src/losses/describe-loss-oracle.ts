// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { Loss, ResponseRole } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import { tolerances } from '../tolerances.js';
import { expectClose, largest, sum } from './compare.js';
import { chooseLoss } from './describe-loss.js';
import { evaluateLoss, lossGradient, meanLoss } from './evaluate-loss.js';
import { raggedBatch, type AnswerData, type GroupData } from './ragged.js';

/** A fixture of `oracles/losses`: rows as ragged log-probs and, per case, loss and gradients in double precision. */
interface LossFixture {
  readonly inputs: Readonly<Record<string, readonly RowData[]>>;
  readonly cases: readonly LossFixtureCase[];
}
/** A row's prompt, and its answers by their roles: chosen and rejected of a pair. */
type RowData = { readonly prompt: readonly number[] } & {
  readonly [role in ResponseRole]?: Omit<AnswerData, 'role'>;
};
interface LossFixtureCase {
  readonly name: string;
  readonly inputs: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Who computed it: another implementation, or its closed form. */
  readonly source: string;
  readonly loss: number;
  /** Per row; null where the loss is no mean over rows. */
  readonly items: readonly number[] | null;
  /** Per row and policy log-prob; null stands for zeros. */
  readonly gradient: readonly Readonly<Record<string, readonly number[] | null>>[];
}

/**
 * Holds a loss to the fixtures of another implementation, as a vitest suite: value of the batch, of each row where it is
 * a mean over rows, and gradient with respect to every policy log-prob, within the f32 tolerances.
 *
 * @param file path or file URL of the fixture
 * @param count cases the fixture must hold, so that an empty one fails
 */
export function describeLossOracle<Options>(loss: Loss<Options>, file: string | URL, count: number): void {
  const fixture = JSON.parse(readFileSync(file, 'utf8')) as LossFixture;
  describe(`loss ${loss.name} equals its oracle`, () => {
    it(`in ${count} cases`, () => expect(fixture.cases.length).toBe(count));
    it.each(fixture.cases)('$inputs: $name ($source)', (oracle) => {
      checkOracleCase(loss as Loss, fixture.inputs[oracle.inputs]!.map(groupOf), oracle);
    });
  });
}

function checkOracleCase(loss: Loss, groups: readonly GroupData[], { options, ...expected }: LossFixtureCase): void {
  const { value, gradient } = tolerances.f32;
  const chosen = chooseLoss(loss, options);
  const batch = raggedBatch(groups);
  const results = evaluateLoss(chosen, batch);
  expectClose([meanLoss(results)], [expected.loss], value * Math.max(1, Math.abs(expected.loss)), 'loss');
  for (const [row, item] of (expected.items ?? []).entries()) {
    const got = sum(results.map(({ items }) => items[row]!));
    expectClose([got], [item], value * Math.max(1, Math.abs(item)), `row ${row}`);
  }
  const orZeros = (values: readonly number[] | null, like: readonly number[]) => values ?? like.map(() => 0);
  const ofAnswers = groups.flatMap(({ answers }, g) =>
    answers.flatMap(({ role, policy }) => orZeros(expected.gradient[g]![role]!, policy)),
  );
  const ofPrompts = groups.flatMap(({ prompt }, g) => orZeros(expected.gradient[g]!['prompt']!, prompt));
  const scale = largest([...ofAnswers, ...ofPrompts]);
  const got = lossGradient(chosen, batch);
  expectClose(got.logProb, ofAnswers, gradient * scale, 'gradient');
  expectClose(got.promptLogProb, ofPrompts, gradient * scale, 'gradient of prompts');
}

/** Every second row has its answers the other way round: a loss must not rely on the order. */
function groupOf({ prompt, ...ofRoles }: RowData, index: number): GroupData {
  const answers = Object.entries(ofRoles).map(([role, answer]) => ({ role: role as ResponseRole, ...answer }));
  return { prompt, answers: index % 2 === 0 ? answers : answers.toReversed() };
}
