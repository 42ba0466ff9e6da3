// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readSection, replaceFile } from '@llmf/core';
import { canBeRead, DataFormatToken, dataOptionsSection, openRows, vocabularyOf } from '@llmf/data';
import { tf } from '@llmf/nn';
import {
  batchLogProbs,
  checkFiles,
  evaluationMode,
  Feed,
  trainingHooks,
  unitRows,
  type Batch,
  type Pooling,
} from '@llmf/training';
import { cliErrors } from './cli-errors.js';
import { Display } from './display.js';
import { openInference, type Inference, type InferenceRequest } from './inference.js';
import type { CliIo } from './io.js';
import { vectorsOf, type TextVectors } from './pooling-of.js';

export interface EmbedFlags extends Pick<InferenceRequest, 'model' | 'adapter' | 'precision' | 'backend'> {
  readonly plugin?: readonly string[];
  readonly pooling: 'auto' | Pooling;
  readonly normalize: 'auto' | 'yes' | 'no';
  readonly maxLength?: number;
  readonly output: string;
}

/** Writes one line per row of the data: the vectors of its texts. */
export async function embedCommand(
  io: CliIo,
  data: string,
  settings: readonly string[],
  { plugin: plugins = [], ...flags }: EmbedFlags,
): Promise<void> {
  const display = new Display(io);
  const config = { data: { train: [{ path: data }], template: 'none' } };
  const more = { plugins, config, settings, settable: ['data.train.0'], command: 'llmf embed' };
  const { model, adapter, precision, backend } = flags;
  const request = {
    model,
    ...(adapter && { adapter }),
    ...(precision && { precision }),
    ...(backend && { backend }),
    ...more,
  };
  const inference = await openInference(io, request, display);
  try {
    const vectors = await chosenVectors(inference, flags);
    const count = await writeVectors(inference, vectors, resolve(io.folder, flags.output), (line) =>
      display.info(line),
    );
    display.info(
      `${count} rows: ${flags.output} (${vectors.pooling} of ${inference.model.hiddenSize} numbers${vectors.normalize ? ', length 1' : ''})`,
    );
  } finally {
    display.close();
    await inference.close();
  }
}

/** Those of the adapter's folder where it says how, else of the model's; flags stand above both. */
async function chosenVectors({ folder, run, model }: Inference, flags: EmbedFlags): Promise<TextVectors> {
  const own = flags.adapter === undefined ? null : await vectorsOf(resolve(run.folder, flags.adapter));
  const saved = own ?? (await vectorsOf(folder));
  const limit = flags.maxLength ?? saved.maxLength ?? model.contextLength;
  return {
    pooling: flags.pooling === 'auto' ? saved.pooling : flags.pooling,
    normalize: flags.normalize === 'auto' ? saved.normalize : flags.normalize === 'yes',
    maxLength: Math.min(limit, model.contextLength),
  };
}

async function writeVectors(
  inference: Inference,
  vectors: TextVectors,
  output: string,
  notice: (line: string) => void,
): Promise<number> {
  const { run, folder, tokenizerFolder, model } = inference;
  const [source] = readSection(run.config, dataOptionsSection).train;
  const formats = run.container.resolveAll(DataFormatToken);
  const wanted = (await canBeRead(source!, run.folder, formats, 'similar')) ? 'similar' : 'classified';
  const settings = { source: source!, folder: run.folder, tokenizerFolder, template: 'none', wanted, formats } as const;
  const vocabulary = await vocabularyOf(folder);
  const { rows } = await openRows({ ...settings, maxLength: vectors.maxLength, vocabulary, notice });
  try {
    await replaceFile(output, async (temporary) => {
      const file = await open(temporary, 'w');
      try {
        for await (const batch of new Feed(run, model).sweep(rows)) {
          for (const line of await linesOf(inference, batch, vectors, (index) => rows.placeOf(index).row)) {
            await file.appendFile(`${JSON.stringify(line)}\n`);
          }
        }
        await file.sync();
        await checkFiles(run);
      } finally {
        await file.close();
      }
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw cliErrors.system({
        reason: error.message,
        path: dirname(output),
        hint: 'create the folder of --output first',
      });
    });
    for (const { row, reason, action } of rows.dropped)
      if (action === 'dropped') notice(`row ${row} is left out: ${reason}`);
    return rows.length;
  } finally {
    await rows.close();
  }
}

async function linesOf(
  { model, adapter, run }: Inference,
  batch: Batch,
  { pooling, normalize }: TextVectors,
  rowOf: (index: number) => number,
): Promise<object[]> {
  const tensor = tf.tidy(() => {
    const request = { stats: [], span: 'response', pooling } as const;
    const pooled = batchLogProbs(model, batch, request, evaluationMode(adapter), trainingHooks(run)).pooled!; // [R, C]
    return normalize ? unitRows(pooled) : pooled;
  });
  const values = (await tensor.data()) as Float32Array;
  const [, size] = tensor.shape;
  tensor.dispose();
  const { group, role } = batch.responses;
  return [...batch.rowIndices].map((index, g) => {
    const own = [...group.keys()].filter((r) => group[r] === g);
    const vector = (r: number) => [...values.subarray(r * size, (r + 1) * size)];
    const named = own
      .filter((r) => role[r] !== 'negative')
      .map((r) => [role[r] === 'response' ? 'embedding' : role[r]!, vector(r)]);
    const negatives = own.filter((r) => role[r] === 'negative').map(vector);
    return { row: rowOf(index), ...Object.fromEntries(named), ...(negatives.length > 0 && { negative: negatives }) };
  });
}
