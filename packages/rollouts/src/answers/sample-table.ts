// SPDX-License-Identifier: Apache-2.0
import { total } from './completions-log.js';
import type { ScoredAnswer } from './scored-answer.js';

const widest = 56;

/** A few answers with their rewards, as lines for a terminal: the best, the worst and those between. */
export function sampleTable(answers: readonly ScoredAnswer[], count: number): string[] {
  const known = answers.filter(({ reward }) => reward.score !== null);
  const sorted = known.toSorted((a, b) => total(b.reward)! - total(a.reward)!);
  const places = Array.from({ length: Math.min(count, sorted.length) }, (_, at) =>
    count === 1 ? 0 : Math.round((at * (sorted.length - 1)) / (Math.min(count, sorted.length) - 1 || 1)),
  );
  const rows = places.map((place) => {
    const { sample, reward } = sorted[place]!;
    return [total(reward)!.toFixed(3), String(sample.ids.length), cut(sample.prompt, true), cut(sample.answer)];
  });
  const all = [['reward', 'tokens', 'prompt', 'answer'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** One line of at most `widest` characters: the end of a prompt, the beginning of an answer. */
function cut(text: string, keepsEnd = false): string {
  const characters = [...text.replaceAll(/\s+/g, ' ').trim()];
  if (characters.length <= widest) return characters.join('');
  return keepsEnd ? `…${characters.slice(1 - widest).join('')}` : `${characters.slice(0, widest - 1).join('')}…`;
}
