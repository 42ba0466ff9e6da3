// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, PrecisionToken, StartedBackendToken, readSafetensors, writeSafetensors } from '@llmf/core';
import type { Batch, RowSet } from '../contracts/data.js';
import { ModelLoaderToken, tf } from '@llmf/nn';
import type { ReferenceContext, ReferenceLogProbs, ReferenceStrategy } from '../contracts/reference.js';
import { Feed } from '../rows/feed.js';
import { hostTensors } from '../policy/variable-state.js';
import { trainingErrors } from '../training-errors.js';
import { RowLogProbs } from './row-log-probs.js';
import { disposeReference } from './open-reference.js';
import { scoreBatch } from './scorer.js';

/**
 * The untrained policy's log-probs of every row, computed once and kept on disk per token. The key holds what they
 * depend on (weights, adapter, precision and kernel numerics, rows) and nothing else, so a changed learning rate or
 * loss reads the same file.
 */
export const cachedReference: ReferenceStrategy = {
  name: 'cached',
  description: "the untrained model's log-probs, computed once, kept on disk: no extra memory, one pass over the rows",
  async prepare(context) {
    if (context.rowSets.length === 0) throw trainingErrors.referenceNeedsRows({ reference: 'cached' });
    const caches = new Map<RowSet, RowLogProbs>();
    let computed = 0;
    for (const rows of context.rowSets) {
      const { values, isNew } = await openCache(context, rows);
      caches.set(rows, values);
      if (isNew) computed += rows.length;
    }
    const total = context.rowSets.reduce((sum, { length }) => sum + length, 0);
    return {
      description: `cached log-probs of the untrained model (${computed} of ${total} rows computed now); no forward pass while training`,
      equalsPolicyAtStart: true,
      logProbs: async (batch, rows) => lookUp(caches.get(rows)!, batch, context.wantsPrompt),
      dispose: () => caches.clear(),
    };
  },
};

async function openCache(context: ReferenceContext, rows: RowSet): Promise<{ values: RowLogProbs; isNew: boolean }> {
  const folder = join(context.run.folder, '.llmf-cache', 'reference');
  const file = join(folder, `${await cacheKey(context, rows)}.safetensors`);
  if (existsSync(file)) {
    try {
      return { values: RowLogProbs.fromTensors(await readSafetensors(file), rows.length), isNew: false };
    } catch (error) {
      context.run.logger.warn(`${file} is damaged and computed again: ${(error as Error).message.split('\n')[0]}`);
      await rm(file);
    }
  }
  const values = await compute(context, rows);
  makeFolder(folder);
  await writeSafetensors(file, values.toTensors());
  return { values, isNew: true };
}

async function cacheKey({ run, modelFolder, adapter, wantsPrompt }: ReferenceContext, rows: RowSet): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await run.container.resolve(ModelLoaderToken).fingerprint(modelFolder));
  if (adapter !== null && !adapter.isIdentity) {
    for (const [name, { data }] of Object.entries(await hostTensors(adapter.variables))) hash.update(name).update(data);
  }
  const numerics = run.container.resolve(StartedBackendToken).numerics;
  hash.update(
    JSON.stringify([
      run.container.resolve(PrecisionToken),
      run.config.choices['quantization'],
      numerics,
      rows.fingerprint,
      wantsPrompt,
    ]),
  );
  return hash.digest('hex').slice(0, 32);
}

async function compute({ run, model, adapter, wantsPrompt }: ReferenceContext, rows: RowSet): Promise<RowLogProbs> {
  const feed = new Feed(run, model.vocabularySize);
  const values = new RowLogProbs(rows.length);
  let done = 0;
  let reported = performance.now();
  for await (const batch of feed.sweep(rows)) {
    const { logProb, promptLogProb } = scoreBatch(run, model, adapter, batch, wantsPrompt);
    addBatch(
      values,
      batch,
      (await logProb.data()) as Float32Array,
      ((await promptLogProb?.data()) ?? null) as Float32Array | null,
    );
    disposeReference({ logProb, ...(promptLogProb === undefined ? {} : { promptLogProb }) });
    done += batch.groups;
    if (performance.now() - reported > 10_000) {
      reported = performance.now();
      run.logger.info(`reference log-probs: ${done} of ${rows.length} rows`);
    }
  }
  return values;
}

/** Files a batch's values under its rows: all answers of a row in order, then its prompt tokens. */
function addBatch(values: RowLogProbs, batch: Batch, logProb: Float32Array, prompt: Float32Array | null): void {
  const answers = Array.from({ length: batch.groups }, () => [] as number[]);
  for (const [token, response] of batch.response.entries()) {
    answers[batch.responses.group[response]!]!.push(logProb[token]!);
  }
  const prompts = Array.from({ length: batch.groups }, () => [] as number[]);
  for (const [token, group] of batch.prompt.group.entries()) if (prompt !== null) prompts[group]!.push(prompt[token]!);
  for (const [group, index] of batch.rowIndices.entries()) values.set(index, answers[group]!, prompts[group]!);
}

function lookUp(values: RowLogProbs, batch: Batch, wantsPrompt: boolean): ReferenceLogProbs {
  const next = Array.from(batch.rowIndices, () => 0);
  const logProb = Float32Array.from(batch.response, (response) => {
    const group = batch.responses.group[response]!;
    return values.answer(batch.rowIndices[group]!, next[group]!++);
  });
  if (!wantsPrompt) return { logProb: tf.tensor1d(logProb) };
  const nextPrompt = Array.from(batch.rowIndices, () => 0);
  const promptLogProb = Float32Array.from(batch.prompt.group, (group) =>
    values.prompt(batch.rowIndices[group]!, nextPrompt[group]!++),
  );
  return { logProb: tf.tensor1d(logProb), promptLogProb: tf.tensor1d(promptLogProb) };
}
