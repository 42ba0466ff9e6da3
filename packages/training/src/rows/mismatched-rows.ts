// SPDX-License-Identifier: Apache-2.0
/**
 * Rows with the answer of another row behind their prompt, from which unpaired losses estimate a divergence: KTO
 * (Ethayarajh et al., 2024, arXiv:2402.01306, section 4.1) pairs x_i with y_{i−1} of its batch. Which row gives the answer
 * depends on the row's place in the data alone, as in TRL 1.13 (KTOTrainer._prepare_dataset): so shuffling, resuming and a
 * cached reference all see the same pairs. Differences: a batch of one pairs with the row before it, never with itself,
 * and a row with the same prompt is passed over where there is another.
 */
import { createHash } from 'node:crypto';
import type { EncodedResponse, EncodedRow, RowSet } from '../contracts/data.js';
import { trainingErrors } from '../training-errors.js';

export interface Pairing {
  /** Rows of the data that are paired among themselves. */
  readonly batchSize: number;
  /** Tokens of a prompt with its answer; a foreign answer is cut at the end. */
  readonly maxLength: number;
}

/** @throws LLMF_TRAINING_MISMATCHED_ROWS for a split of one row */
export function withMismatched(rows: RowSet, pairing: Pairing): RowSet {
  if (rows.length === 1) throw trainingErrors.mismatchedRows({});
  return new MismatchedRows(rows, pairing);
}

class MismatchedRows implements RowSet {
  readonly fingerprint: string;

  constructor(
    private readonly own: RowSet,
    private readonly pairing: Pairing,
  ) {
    const { batchSize, maxLength } = pairing;
    const facts = JSON.stringify([own.fingerprint, 'mismatched', batchSize, maxLength]);
    this.fingerprint = createHash('sha256').update(facts).digest('hex');
  }

  get length(): number {
    return this.own.length;
  }

  get dropped(): RowSet['dropped'] {
    return this.own.dropped;
  }

  async rows(indices: readonly number[]): Promise<EncodedRow[]> {
    const wanted = [
      ...indices,
      ...indices.map((index) => firstPartner(index, this.own.length, this.pairing.batchSize)),
    ];
    const read = await this.own.rows(wanted);
    const [own, partners] = [read.slice(0, indices.length), read.slice(indices.length)];
    return await Promise.all(own.map((row, at) => this.paired(row, partners[at]!, indices[at]!)));
  }

  /** At most: a foreign answer may be cut. */
  tokensOf(index: number): number {
    return this.own.tokensOf(index) + this.own.longestOf(firstPartner(index, this.length, this.pairing.batchSize));
  }

  longestOf(index: number): number {
    const other = this.own.longestOf(firstPartner(index, this.length, this.pairing.batchSize));
    return Math.max(this.own.longestOf(index), Math.min(this.pairing.maxLength, this.own.longestOf(index) + other));
  }

  source(index: number): ReturnType<RowSet['source']> {
    return this.own.source(index);
  }

  placeOf(index: number): ReturnType<RowSet['placeOf']> {
    return this.own.placeOf(index);
  }

  async close(): Promise<void> {
    await this.own.close();
  }

  private async paired(row: EncodedRow, first: EncodedRow, index: number): Promise<EncodedRow> {
    const partner = hasPromptOf(row, first) ? ((await this.otherPrompt(row, index)) ?? first) : first;
    const room = Math.max(1, this.pairing.maxLength - row.prompt.length);
    return { ...row, responses: [...row.responses, mismatched(partner.responses[0]!, room)] };
  }

  /** The nearest row before this one with another prompt; null where a hundred have the same. */
  private async otherPrompt(row: EncodedRow, index: number): Promise<EncodedRow | null> {
    const { length } = this.own;
    for (let back = 1; back <= Math.min(100, length - 1); back++) {
      const [candidate] = await this.own.rows([(index - back + length) % length]);
      if (!hasPromptOf(row, candidate!)) return candidate!;
    }
    return null;
  }
}

/** The row before it in its batch, for the first the last; in a batch of one the row before it in the data. */
export function firstPartner(index: number, length: number, batchSize: number): number {
  const start = index - (index % batchSize);
  const size = Math.min(batchSize, length - start);
  return size === 1 ? (index - 1 + length) % length : start + ((index - start - 1 + size) % size);
}

const hasPromptOf = ({ prompt }: EncodedRow, other: EncodedRow): boolean =>
  prompt.length > 0 && prompt.length === other.prompt.length && prompt.every((id, at) => id === other.prompt[at]);

const mismatched = ({ ids, counted }: EncodedResponse, room: number): EncodedResponse => ({
  role: 'mismatched',
  ids: ids.slice(0, room),
  counted: counted.slice(0, room),
});
