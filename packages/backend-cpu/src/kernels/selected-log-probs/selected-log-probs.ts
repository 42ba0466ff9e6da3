// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel } from '../define-kernel.js';
import { selectionValues, type LogitForm, type Selection } from './selection.js';

interface Attributes extends LogitForm {
  readonly entropy: boolean;
  readonly squared: boolean;
  readonly keeps: boolean;
}

/** Words that are kept of a row: a tile's exponentials as pairs of bf16, and their maximum (kKeptTile of sums.h). */
const keptRow = (vocabulary: number): number => Math.ceil(vocabulary / 128) * 65;

/**
 * The exponentials of logits are kept for the gradient where rounded ones are enough and they take no more than half of
 * what the head's gradient takes; else logits are computed again, with the same bits.
 */
export const selectedLogProbsKernel = defineKernel<Selection, Attributes>({
  kernelName: kernels.selectedLogProbs,
  run(selection, { entropy, squared, keeps, ...form }, backend) {
    const selected = selection.rows.shape[0]!;
    const outputs = [true, true, entropy, squared].map((isWanted) => backend.output([isWanted ? selected : 0]));
    const [logProb, logSumExp, entropies, squares] = outputs.map(({ values }) => values);
    const [vocabulary, columns] = selection.head.shape as [number, number];
    const isEnough = backend.roundsProducts && !entropy && !squared && form.softCap === 0;
    const kept =
      keeps && isEnough && selected <= columns ? backend.outputIntegers([selected, keptRow(vocabulary)]) : null;
    backend.kernels.selectedLogProbs({
      ...selectionValues(selection, form, backend),
      logProb: logProb!,
      logSumExp: logSumExp!,
      entropy: entropy ? entropies! : null,
      squared: squared ? squares! : null,
      keptRow: kept === null ? 0 : keptRow(vocabulary),
      keep: kept?.values ?? null,
    });
    return [...outputs, ...(kept === null ? [] : [kept])].map(({ info }) => info);
  },
});
