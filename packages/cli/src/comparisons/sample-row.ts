// SPDX-License-Identifier: Apache-2.0
import { open, readFile } from 'node:fs/promises';
import { z } from '@llmf/core';
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
  const text = await readFile(file, 'utf8').catch((error: Error) => {
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

/** A file of lines that grows: what stands in it survives a kill, a line that was cut by one is taken away. */
export class LineFile {
  private constructor(
    private readonly file: Awaited<ReturnType<typeof open>>,
    private length: number,
    /** The whole lines that were there. */
    readonly lines: readonly string[],
  ) {}

  static async open(path: string): Promise<LineFile> {
    const text = await readFile(path, 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const length = Buffer.byteLength(whole);
    const file = await open(path, text === '' ? 'w' : 'r+');
    await file.truncate(length);
    return new LineFile(file, length, whole.split('\n').slice(0, -1));
  }

  /** On the disk when it resolves. */
  async append(...values: readonly unknown[]): Promise<void> {
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    await this.file.write(bytes, 0, bytes.length, this.length);
    await this.file.datasync();
    this.length += bytes.length;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
