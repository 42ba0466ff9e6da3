// SPDX-License-Identifier: Apache-2.0
/** What options of another tool are called here: a section of docs/coming-from.md. */
export interface MigrationTable {
  readonly tool: string;
  /** There (keys in backticks, perhaps with a value), here, note; in Markdown. */
  readonly rows: readonly (readonly string[])[];
}
