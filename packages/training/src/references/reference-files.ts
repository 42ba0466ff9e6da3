// SPDX-License-Identifier: Apache-2.0
/**
 * Reference log-probs on disk: one file of all rows of a split, `KEY.safetensors`; until it is there, parts of it as they
 * were computed, `KEY.part-N.safetensors`, so that a pass that was ended goes on where it was.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRefused, isThere, makeFolder, readSummed, removeLeftovers, writeSummed, type Logger } from '@llmf/core';
import type { RowLogProbs } from './row-log-probs.js';

export class ReferenceFiles {
  private parts = 0;

  private constructor(
    private readonly folder: string,
    private readonly key: string,
    private readonly logger: Logger,
  ) {}

  static async open(folder: string, key: string, logger: Logger): Promise<ReferenceFiles> {
    makeFolder(folder);
    await removeLeftovers(folder);
    return new ReferenceFiles(folder, key, logger);
  }

  /** Adds the rows that are there. A damaged file is removed, with a warning: its rows are computed again. */
  async readInto(values: RowLogProbs): Promise<void> {
    const parts = await this.partNames();
    if (await this.tryRead(this.whole, values)) return await this.remove(parts);
    for (const name of parts) await this.tryRead(name, values);
    this.parts = Math.max(-1, ...parts.map(numberOf)) + 1;
  }

  private async tryRead(name: string, values: RowLogProbs): Promise<boolean> {
    const file = join(this.folder, name);
    if (!(await isThere(file))) return false;
    try {
      values.add(await readSummed(file));
      return true;
    } catch (error) {
      if (isRefused(error)) throw error; // what cannot be read today may be whole
      this.logger.warn(`${file} is damaged and computed again: ${(error as Error).message.split('\n')[0]}`);
      await this.remove([name]);
      return false;
    }
  }

  /** Keeps rows that were computed. */
  async keep(values: RowLogProbs, rows: readonly number[]): Promise<void> {
    if (rows.length === 0) return;
    await writeSummed(join(this.folder, `${this.key}.part-${this.parts++}.safetensors`), values.toTensors(rows));
  }

  /** Writes all rows as one file; its parts go. */
  async finish(values: RowLogProbs): Promise<void> {
    const all = Array.from({ length: values.rows }, (_, row) => row);
    await writeSummed(join(this.folder, this.whole), values.toTensors(all));
    await this.remove(await this.partNames());
  }

  private async remove(names: readonly string[]): Promise<void> {
    for (const name of names) await rm(join(this.folder, name), { force: true });
  }

  private get whole(): string {
    return `${this.key}.safetensors`;
  }

  private async partNames(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => name.startsWith(`${this.key}.part-`) && numberOf(name) >= 0);
  }
}

const numberOf = (name: string): number => Number(/\.part-(\d+)\.safetensors$/.exec(name)?.[1] ?? -1);
