// SPDX-License-Identifier: Apache-2.0
import type { Head } from '@llmf/nn';

/** Q of every token and V, each Linear(n, 2n), ReLU, Linear(2n, ·), as trlX's ILQLHeads. */
export function ilqlHeads(
  { hiddenSize, vocabularySize }: { readonly hiddenSize: number; readonly vocabularySize: number },
  twoQs: boolean,
): Head[] {
  const mlp = { hidden: [2 * hiddenSize], bias: true } as const;
  const q = qNames(twoQs).map((name): Head => ({ name, outputs: vocabularySize, at: 'action', ...mlp }));
  return [...q, { name: valueName, outputs: 1, at: 'token', ...mlp }];
}

export const valueName = 'v_head';
export const qNames = (twoQs: boolean): string[] => (twoQs ? ['q_head_1', 'q_head_2'] : ['q_head_1']);
/** Of the slowly following copy of a Q. */
export const targetName = (q: string): string => `target_${q}`;
