// SPDX-License-Identifier: Apache-2.0
import { normals, uniforms } from '@llmf/core';
import type { LossNeeds, ResponseRole, StandardRowKind } from '@llmf/training';
import type { AnswerData, GroupData } from './ragged.js';

const rolesOf: Record<StandardRowKind, (group: number) => readonly ResponseRole[]> = {
  text: () => ['response'],
  single: () => ['response'],
  pair: () => ['chosen', 'rejected'],
  labelled: (group) => [group % 2 === 0 ? 'desirable' : 'undesirable'],
  group: () => ['response', 'response', 'response'],
  prompt: () => [],
  classified: () => ['response'],
  similar: () => ['anchor', 'positive'],
};

type Wanted = Pick<LossNeeds, 'rows' | 'columns' | 'contrast' | 'mismatched'>;

const rolesFor = ({ rows, contrast, mismatched }: Wanted, group: number): readonly ResponseRole[] => [
  ...rolesOf[rows as StandardRowKind](group),
  ...(contrast === undefined ? [] : (['contrast'] as const)),
  ...(mismatched === undefined ? [] : (['mismatched'] as const)),
];

/** Rows as training sees them: answers of 1 to 7 tokens, log-probs around −1, the reference a little off. */
export function syntheticGroups(wanted: Wanted, count: number): GroupData[] {
  return Array.from({ length: count }, (_, g) => {
    const prompt = logProbs(`prompt ${g}`, 2 + (g % 3));
    return {
      prompt,
      referencePrompt: near(prompt, `prompt ${g}`),
      answers: rolesFor(wanted, g).map((role, r) => syntheticAnswer(role, `${g} ${r}`, 1 + ((3 * g + 4 * r) % 7))),
      extras: Object.fromEntries((wanted.columns ?? []).map((name) => [name, uniforms(key, `${name} ${g}`, 1)[0]!])),
    };
  });
}

/**
 * Rows at the edges: answers that the policy has all but excluded or is certain of (log-prob 0), far from and equal to the
 * reference, one and many tokens long.
 */
export function extremeGroups(wanted: Wanted): GroupData[] {
  const sides = [
    { policy: -60, reference: -0.001, tokens: 40 },
    { policy: 0, reference: -60, tokens: 40 },
    { policy: -1e-6, reference: 0, tokens: 1 },
    { policy: -90, reference: -90, tokens: 3 },
    { policy: 0, reference: 0, tokens: 2 },
  ];
  const rows = sides.flatMap((first) => sides.map((second) => [first, second, first]));
  return rows.map((row, g) => ({
    prompt: [-80, 0],
    answers: rolesFor(wanted, g).map((role, r) => {
      const { policy, reference, tokens } = row[r]!;
      const repeated = (value: number) => Array.from({ length: tokens }, () => value);
      return { role, policy: repeated(policy), reference: repeated(reference) };
    }),
    extras: Object.fromEntries((wanted.columns ?? []).map((name) => [name, 0.5])),
  }));
}

/** The same rows with a reference that gives exactly the policy's log-probs. */
export function equalToReference(groups: readonly GroupData[]): GroupData[] {
  return groups.map((group) => ({
    ...group,
    referencePrompt: group.prompt,
    answers: group.answers.map((answer) => ({ ...answer, reference: answer.policy })),
  }));
}

const key = { seed: 42, stream: 'testkit', step: 0, microbatch: 0 };

function syntheticAnswer(role: ResponseRole, site: string, tokens: number): AnswerData {
  const policy = logProbs(site, tokens);
  const squares = uniforms(key, `squares ${site}`, tokens);
  return {
    role,
    policy,
    reference: near(policy, site),
    logSumSquaredProbabilities: policy.map((value, t) => 2 * value + Math.abs(value) * squares[t]!),
    entropy: [...uniforms(key, `entropy ${site}`, tokens)],
  };
}

const logProbs = (site: string, count: number) => [...uniforms(key, site, count)].map((u) => Math.log(0.05 + 0.9 * u));

const near = (values: readonly number[], site: string) => {
  const shifts = normals(key, `reference ${site}`, values.length);
  return values.map((value, t) => Math.min(-1e-3, value + 0.3 * shifts[t]!));
};
