// SPDX-License-Identifier: Apache-2.0
import { errors } from './errors.js';
import type { SourceOptions } from './options.js';

/**
 * The entries of one task; without a task those of none.
 * @throws LLMF_DATA_TASK where the entries are of other tasks alone
 */
export function entriesOf(entries: readonly SourceOptions[], task: string | undefined): readonly SourceOptions[] {
  const own = entries.filter((entry) => entry.task === task);
  const known = [...new Set(entries.map((entry) => entry.task ?? 'none'))];
  if (own.length > 0 && (task !== undefined || own.length === entries.length)) return own;
  throw errors.task({ wanted: task ?? 'none', known });
}
