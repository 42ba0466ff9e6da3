// SPDX-License-Identifier: Apache-2.0
import type { Head } from '@llmf/nn';
import type { LossNeeds, LossTerm } from '../contracts/loss.js';
import type { RowKind } from '../contracts/data.js';
import { trainingErrors } from '../training-errors.js';

/** What the weighted terms need together. @throws LLMF_TRAINING_LOSS_ROWS when a term wants other rows than the stage has. */
export function unitedNeeds(terms: readonly LossTerm[], rows: RowKind, stage: string): LossNeeds {
  const all = terms.map(({ loss, options }) => ({ name: loss.name, needs: loss.needs(options) }));
  for (const { name, needs } of all) {
    if (!suits(needs.rows, rows)) throw trainingErrors.lossRows({ loss: name, needs: needs.rows, stage, rows });
  }
  return {
    rows,
    reference: all.some(({ needs }) => needs.reference === 'required') ? 'required' : 'none',
    stats: [...new Set(all.flatMap(({ needs }) => needs.stats))],
    span: all.some(({ needs }) => needs.span === 'all') ? 'all' : 'response',
    coupling: all.some(({ needs }) => needs.coupling === 'batch') ? 'batch' : 'item',
    heads: unitedHeads(all.flatMap(({ needs }) => needs.heads ?? [])),
    ...(all.some(({ needs }) => needs.mismatched === true) && { mismatched: true }),
    ...onePooling(all),
    columns: [...new Set(all.flatMap(({ needs }) => needs.columns ?? []))],
  };
}

/** @throws LLMF_TRAINING_POOLINGS_DIFFER */
function onePooling(all: readonly { readonly name: string; readonly needs: LossNeeds }[]): Pick<LossNeeds, 'pooling'> {
  const poolings = all.flatMap(({ needs }) => (needs.pooling === undefined ? [] : [needs.pooling]));
  if (new Set(poolings).size > 1) throw trainingErrors.poolingsDiffer({ poolings });
  return poolings[0] === undefined ? {} : { pooling: poolings[0] };
}

/** One head a name; terms that share a name share the head. @throws LLMF_TRAINING_HEADS_DIFFER */
function unitedHeads(heads: readonly Head[]): Head[] {
  const byName = new Map<string, Head>();
  for (const head of heads) {
    const known = byName.get(head.name) ?? head;
    if (JSON.stringify(known) !== JSON.stringify(head)) throw trainingErrors.headsDiffer({ head: head.name });
    byName.set(head.name, known);
  }
  return [...byName.values()];
}

/**
 * A loss over single answers also runs on pairs (it takes the chosen one); plain text is a single answer too, and so is
 * what a stage writes to a prompt.
 */
function suits(wanted: RowKind, given: RowKind): boolean {
  return wanted === given || (wanted === 'single' && ['pair', 'text', 'prompt'].includes(given));
}
