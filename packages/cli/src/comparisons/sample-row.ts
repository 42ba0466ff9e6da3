// SPDX-License-Identifier: Apache-2.0
import { readText, z } from '@llmf/core';
import { comparisonErrors } from './comparison-errors.js';

const turn = z.looseObject({ role: z.string(), content: z.string() });

const sampledAnswer = z.strictObject({
  text: z.string(),
  tokens: z.int().min(0),
  /** Σ log π of its tokens under the model itself, in nats. */
  logProb: z.number(),
  reason: z.enum(['stop', 'length']),
});
export type SampledAnswer = z.infer<typeof sampledAnswer>;

const sampleRow = z.strictObject({
  /** 1-based number of the prompt in its file. */
  row: z.int().min(1),
  /** A plain text, or turns. */
  prompt: z.union([z.string(), z.array(turn).min(1)]),
  samples: z.array(sampledAnswer).min(1),
  /** The row's own columns, for rules. */
  source: z.record(z.string(), z.unknown()),
  /** What they were sampled with. */
  sampling: z.record(z.string(), z.unknown()),
});
/** One line of what `llmf sample` writes: several answers to one prompt, in no order of quality. */
export type SampleRow = z.infer<typeof sampleRow>;

/** @throws LLMF_CLI_SAMPLES_UNREADABLE with the line */
export async function readSampleRows(file: string): Promise<SampleRow[]> {
  const text = await readText(file).catch((error: Error) => {
    throw comparisonErrors.samplesUnreadable({ where: file, reason: error.message }, { cause: error });
  });
  const lines = text.split('\n');
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [rowOf(line, `${file}:${index + 1}`)]));
}

function rowOf(line: string, where: string): SampleRow {
  try {
    return sampleRow.parse(JSON.parse(line));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw comparisonErrors.samplesUnreadable({ where, reason }, { cause: error });
  }
}
