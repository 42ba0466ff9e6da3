// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import { asStructure, checkPlain, type Cells } from './cells.js';

/** The functions that a row offers, as a list of objects; the column may hold them as JSON. Empty means none. */
export function readTools(cells: Cells): readonly unknown[] | undefined {
  const value = cells.value('tools');
  if (value === null || value === '') return undefined;
  const where = `column ${cells.column('tools')}`;
  const tools = asStructure(value, where);
  checkPlain(tools, where);
  if (!Array.isArray(tools)) throw new RowProblem(`${where} is not a list of functions`);
  return tools.length === 0 ? undefined : tools;
}
