// SPDX-License-Identifier: Apache-2.0
// Writes every metric of a run as a line `step,name,value` of metrics.csv. It only watches (`decides: false`): a run
// resumes with or without it, and a file that cannot be written stops nothing.
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiVersion } from '@llmf/core';

const numbers = (row) => Object.entries(row).filter(([name, value]) => name !== 'step' && typeof value === 'number');

export default function csvTracker() {
  return {
    name: 'csv-tracker',
    apiVersion,
    description: 'metrics as lines of a CSV file',
    decides: false,
    apply(engine) {
      engine.hooks.run.tap('csv-tracker', (run) => {
        const file = join(run.output, 'metrics.csv');
        const attempt = (work) => work().catch((error) => run.logger.warn(`csv-tracker: ${error.message}`));
        run.hooks.started.tapPromise('csv-tracker', ({ step }) =>
          attempt(async () => {
            const text = await readFile(file, 'utf8').catch(() => '');
            const kept = text.split('\n').filter((line) => Number.parseInt(line, 10) <= step);
            await writeFile(file, ['step,name,value', ...kept, ''].join('\n'));
          }),
        );
        run.hooks.log.tapPromise('csv-tracker', (row) =>
          attempt(() =>
            appendFile(
              file,
              numbers(row)
                .map(([name, value]) => `${row.step},${name},${value}\n`)
                .join(''),
            ),
          ),
        );
      });
    },
  };
}
