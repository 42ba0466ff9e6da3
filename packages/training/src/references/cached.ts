// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { PrecisionToken, StartedBackendToken, Stopped } from '@llmf/core';
import type { Batch, RowSet } from '../contracts/data.js';
import { ModelLoaderToken, tf } from '@llmf/nn';
import type { ReferenceContext, ReferenceLogProbs, ReferenceStrategy } from '../contracts/reference.js';
import { Feed } from '../rows/feed.js';
import { adapterFingerprint } from '../policy/identity.js';
import { checkFiles } from '../policy/watch-files.js';
import { trainingErrors } from '../training-errors.js';
import { ReferenceFiles } from './reference-files.js';
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
      const values = new RowLogProbs(rows.length);
      computed += await fill(context, rows, values);
      caches.set(rows, values);
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

/** The values of all rows, from the disk where they are there. How many were computed. */
async function fill(context: ReferenceContext, rows: RowSet, values: RowLogProbs): Promise<number> {
  const folder = join(context.run.folder, '.llmf-cache', 'reference');
  const files = await ReferenceFiles.open(folder, await cacheKey(context, rows), context.run.logger);
  await files.readInto(values);
  const lacking = Array.from({ length: rows.length }, (_, row) => row).filter((row) => !values.has(row)).length;
  if (lacking === 0) return 0;
  await compute(context, rows, values, files);
  await files.finish(values);
  return lacking;
}

/** Of the files; those of another one are not looked for. */
const layoutVersion = 2;

async function cacheKey(context: ReferenceContext, rows: RowSet): Promise<string> {
  const { run, modelFolder, adapter, wantsPrompt, temperature = 1 } = context;
  const hash = createHash('sha256');
  hash.update(await run.container.resolve(ModelLoaderToken).fingerprint(modelFolder));
  hash.update((await adapterFingerprint(adapter)) ?? '');
  const numerics = run.container.resolve(StartedBackendToken).numerics;
  hash.update(
    JSON.stringify([
      layoutVersion,
      run.container.resolve(PrecisionToken),
      run.config.choices['quantization'],
      numerics,
      rows.fingerprint,
      wantsPrompt,
      ...(temperature === 1 ? [] : [temperature]),
    ]),
  );
  return hash.digest('hex').slice(0, 32);
}

/** How often what was computed is kept. */
const keptEveryMs = 5_000;
const reportedEveryMs = 10_000;

/** Scores the batches that lack a row, each as a whole: the same batches give the same bits. */
async function compute(context: ReferenceContext, rows: RowSet, values: RowLogProbs, files: ReferenceFiles) {
  const { run, model } = context;
  const keeping = new Interval(keptEveryMs);
  const reporting = new Interval(reportedEveryMs);
  let fresh: number[] = [];
  const keep = async () => {
    await checkFiles(run); // a cache of other weights would outlive them
    await files.keep(values, fresh);
    fresh = [];
  };
  let done = 0;
  try {
    for await (const batch of new Feed(run, model).sweep(rows)) {
      done += batch.groups;
      if (batch.rowIndices.every((row) => values.has(row))) continue;
      await score(context, batch, values);
      fresh.push(...batch.rowIndices);
      if (keeping.isOver()) await keep();
      if (reporting.isOver()) run.logger.info(`reference log-probs: ${done} of ${rows.length} rows`);
    }
  } catch (error) {
    if (Stopped.is(error)) await keep();
    throw error;
  }
  await checkFiles(run);
}

async function score(context: ReferenceContext, batch: Batch, values: RowLogProbs) {
  const { run, model, adapter } = context;
  const { logProb, promptLogProb } = scoreBatch(run, model, adapter, batch, context);
  const prompt = ((await promptLogProb?.data()) ?? null) as Float32Array | null;
  addBatch(values, batch, (await logProb.data()) as Float32Array, prompt);
  disposeReference({ logProb, ...(promptLogProb === undefined ? {} : { promptLogProb }) });
}

/** Says once in so many milliseconds that they are over. */
class Interval {
  private began = performance.now();

  constructor(private readonly ms: number) {}

  isOver(): boolean {
    const now = performance.now();
    if (now - this.began < this.ms) return false;
    this.began = now;
    return true;
  }
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
