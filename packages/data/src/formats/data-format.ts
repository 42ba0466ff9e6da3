// SPDX-License-Identifier: Apache-2.0
import { token, type Named } from '@llmf/core';
import type { StandardRowKind } from '@llmf/training';
import type { Cells } from './cells.js';
import type { Example } from './example.js';
import type { ColumnRole, Tags } from './columns.js';

/** What the reading stage wants from a row; `any`: whatever the row is. */
export type WantedRows = StandardRowKind | 'any';

/**
 * How rows of a data file become examples. Provided under `DataFormatToken`, so a plugin can add one; the first whose
 * columns are all there is taken when the config names none.
 */
export interface DataFormat extends Named {
  /** Usual column names per role, the preferred first. Roles that are not listed are unknown to the format. */
  readonly columns: Readonly<Partial<Record<ColumnRole, readonly string[]>>>;
  /** Sets of roles; a file with every column of one set is recognised as this format. Empty: only by name. */
  readonly recognisedBy: readonly (readonly ColumnRole[])[];
  /** Kinds of rows that it alone is read for; left out: all but those of formats that say so. */
  readonly serves?: readonly StandardRowKind[];
  /** Changes when rows are read otherwise; rows of a plugin's format without it are tokenized anew in every run. */
  readonly version?: string;
  /** Tags of chat messages unless the config says otherwise; absent: the format has no messages. */
  readonly tags?: Tags;
  /**
   * The examples of one row (mostly one). @throws RowProblem with the reason why the row cannot be used.
   */
  read(cells: Cells, wanted: WantedRows): Example[];
}

export const DataFormatToken = token<DataFormat>('data-format');
