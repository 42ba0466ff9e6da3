// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { readIfThere, writeAll } from '@llmf/core';

/** A file of lines that grows: what stands in it survives a kill, a line that was cut by one is taken away. */
export class LineFile {
  private writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: Awaited<ReturnType<typeof open>>,
    private length: number,
    /** The whole lines that were there. */
    readonly lines: readonly string[],
  ) {}

  static async open(path: string): Promise<LineFile> {
    const text = (await readIfThere(path)) ?? '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const length = Buffer.byteLength(whole);
    const file = await open(path, text === '' ? 'w' : 'r+');
    await file.truncate(length);
    return new LineFile(file, length, whole.split('\n').slice(0, -1));
  }

  /** On the disk when it resolves; calls that overlap follow each other. */
  append(...values: readonly unknown[]): Promise<void> {
    const written = this.writing.then(() => this.write(values));
    this.writing = written.catch(() => {});
    return written;
  }

  private async write(values: readonly unknown[]): Promise<void> {
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    await writeAll(this.file, bytes, this.length);
    await this.file.datasync();
    this.length += bytes.length;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
