// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes all but the last `count` rows of a JSON list to FOLDER/NAME.json, and those to FOLDER/NAME-held-out.json. */
export function holdOut(list, count, folder, name) {
  const rows = JSON.parse(readFileSync(list, 'utf8'));
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(rows.slice(0, -count)));
  writeFileSync(join(folder, `${name}-held-out.json`), JSON.stringify(rows.slice(-count)));
}

/** The rows of a run's metrics.jsonl. */
export function metricsOf(run) {
  const text = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line));
}
