// SPDX-License-Identifier: Apache-2.0
import { uniforms, z } from '@llmf/core';
import { comparisonErrors } from './comparison-errors.js';
import { LineFile } from '../line-file.js';
import type { SampleRow } from './sample-row.js';

/** Two answers to one prompt, by their numbers: which stands left is drawn, so that no place is preferred. */
export interface Comparison {
  readonly prompt: number;
  readonly left: number;
  readonly right: number;
}

const verdicts = ['left', 'right', 'tie', 'skip'] as const;
export type Verdict = (typeof verdicts)[number];

const journalLine = z.union([
  z.strictObject({ samples: z.string(), seed: z.int(), comparisons: z.int() }),
  z.strictObject({ prompt: z.int(), left: z.int(), right: z.int(), verdict: z.enum(verdicts) }),
  z.strictObject({ undo: z.literal(true) }),
]);

/**
 * Comparisons in the order in which they are asked for: each prompt `perPrompt` pairs of different answers, drawn
 * without repetition.
 */
export function comparisonsOf(rows: readonly SampleRow[], perPrompt: number, seed: number): Comparison[] {
  const rounds = rows.map(({ samples }, prompt) => {
    const texts = samples.map(({ text }) => text);
    const pairs = texts.flatMap((text, left) =>
      texts.flatMap((other, right) => (right > left && text !== other ? [{ prompt, left, right }] : [])),
    );
    const key = { seed, stream: 'label', step: prompt, microbatch: 0 };
    const draws = uniforms(key, 'pair', 2 * pairs.length);
    return pairs
      .map((pair, at) => ({ pair, place: draws[2 * at]!, turned: draws[2 * at + 1]! < 0.5 }))
      .toSorted((a, b) => a.place - b.place)
      .slice(0, perPrompt)
      .map(({ pair, turned }) => (turned ? { ...pair, left: pair.right, right: pair.left } : pair));
  });
  // Every prompt once before any a second time: a labelling that ends early has seen them all.
  return Array.from({ length: perPrompt }, (_, round) => rounds.flatMap((each) => each[round] ?? [])).flat();
}

/** Verdicts as they come, each on the disk before the next one is asked for. */
export class LabelJournal {
  private constructor(
    private readonly file: LineFile,
    readonly verdicts: Verdict[],
  ) {}

  /** Goes on where an earlier one ended. @throws LLMF_CLI_LABELS_OF_OTHER_SAMPLES */
  static async open(
    path: string,
    comparisons: readonly Comparison[],
    facts: { readonly samples: string; readonly seed: number },
  ): Promise<LabelJournal> {
    const file = await LineFile.open(path);
    const head = { ...facts, comparisons: comparisons.length };
    if (file.lines.length === 0) {
      await file.append(head);
      return new LabelJournal(file, []);
    }
    const given = verdictsIn(file.lines, head, comparisons);
    if (given !== null) return new LabelJournal(file, given);
    await file.close();
    throw comparisonErrors.labelsOfOtherSamples({ file: path, samples: facts.samples });
  }

  async add(comparison: Comparison, verdict: Verdict): Promise<void> {
    const { prompt, left, right } = comparison;
    await this.file.append({ prompt, left, right, verdict });
    this.verdicts.push(verdict);
  }

  async undo(): Promise<void> {
    if (this.verdicts.length === 0) return;
    await this.file.append({ undo: true });
    this.verdicts.pop();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** What a journal says, undone ones left out; null: it belongs to other comparisons. */
function verdictsIn(lines: readonly string[], head: object, comparisons: readonly Comparison[]): Verdict[] | null {
  const [first, ...rest] = lines.map((line) => journalLine.safeParse(parsed(line)).data);
  if (JSON.stringify(first) !== JSON.stringify(head)) return null;
  const given: Verdict[] = [];
  for (const line of rest) {
    if (line === undefined || 'samples' in line) return null;
    if ('undo' in line) {
      given.pop();
      continue;
    }
    const { verdict, ...comparison } = line;
    if (JSON.stringify(comparison) !== JSON.stringify(comparisons[given.length])) return null;
    given.push(verdict);
  }
  return given;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** A preference row as every stage reads it. */
export interface PairRow {
  readonly prompt: SampleRow['prompt'];
  readonly chosen: unknown;
  readonly rejected: unknown;
}

/** An answer as rows with such a prompt hold it. */
export const answerIn = ({ prompt }: SampleRow, text: string): unknown =>
  typeof prompt === 'string' ? text : [{ role: 'assistant', content: text }];

/** The pairs of which one answer was preferred. */
export function pairsOf(
  rows: readonly SampleRow[],
  comparisons: readonly Comparison[],
  given: readonly Verdict[],
): PairRow[] {
  return given.flatMap((verdict, at) => {
    if (verdict === 'tie' || verdict === 'skip') return [];
    const { prompt, left, right } = comparisons[at]!;
    const row = rows[prompt]!;
    const [chosen, rejected] = verdict === 'left' ? [left, right] : [right, left];
    return [
      {
        prompt: row.prompt,
        chosen: answerIn(row, row.samples[chosen]!.text),
        rejected: answerIn(row, row.samples[rejected]!.text),
      },
    ];
  });
}
