// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import type { GenerationRequest, Tensor2D } from '@llmf/nn';
import { evaluationMode, Feed, trainingHooks, type EncodedRow, type Policy } from '@llmf/training';

/** What a prompt is to the model: ids and, with media, their positions and embeddings as training has them. */
export async function promptInput(
  run: Run,
  { model, adapter }: Pick<Policy, 'model' | 'adapter'>,
  row: EncodedRow,
): Promise<Pick<GenerationRequest, 'ids' | 'positions' | 'embedded'>> {
  if (row.media.length === 0) return { ids: row.prompt };
  const alone = { ids: new Int32Array(0), counted: new Uint8Array(0), role: 'response' as const };
  const batch = await new Feed(run, model).collate([{ ...row, responses: [alone] }]);
  const embedded = (embeddings: Tensor2D) =>
    trainingHooks(run).inputsEmbedded.call(embeddings, batch, { model, ...evaluationMode(adapter) });
  return { ids: batch.ids, positions: batch.positions, embedded };
}
