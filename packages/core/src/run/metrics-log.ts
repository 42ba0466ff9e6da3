// SPDX-License-Identifier: Apache-2.0
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from '../files/read-if-there.js';
import type { MetricsRow } from '../contracts/run.js';
import { writeFileAtomic } from '../files/atomic-write.js';

/** `metrics.jsonl`: one JSON object per logged step, appended as it happens. */
export class MetricsLog {
  private readonly path: string;

  constructor(output: string) {
    this.path = join(output, 'metrics.jsonl');
  }

  async append(row: MetricsRow): Promise<void> {
    await appendFile(this.path, `${JSON.stringify(row)}\n`);
  }

  /** All whole rows; a line cut off by a kill is left out. */
  async rows(): Promise<MetricsRow[]> {
    const text = (await readIfThere(this.path)) ?? '';
    return text.split('\n').flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as MetricsRow];
      } catch {
        return [];
      }
    });
  }

  /** Step of the newest evaluation row; −1: none. */
  async lastEvaluation(): Promise<number> {
    const rows = await this.rows();
    return Number(rows.findLast((row) => 'eval_seconds' in row)?.['step'] ?? -1);
  }

  /** Cuts every row after `step`: what a resumed run is about to do again. */
  async cutAfter(step: number): Promise<void> {
    const kept = (await this.rows()).filter((row) => Number(row['step']) <= step);
    await writeFileAtomic(this.path, kept.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
}
