// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import type { Cells } from './cells.js';
import type { DataFormat } from './data-format.js';
import type { ChatExample } from './example.js';

/** Running text for pretraining: every token is learned. */
export const text: DataFormat = {
  name: 'text',
  description: 'text',
  columns: { text: ['text', 'content'], weight: [] },
  recognisedBy: [['text']],
  read(cells, wanted) {
    if (wanted !== 'text' && wanted !== 'prompt' && wanted !== 'any')
      throw new RowProblem('the row is running text without an answer');
    const value = cells.text('text');
    if (value.trim() === '') throw new RowProblem(`column ${cells.column('text')} is empty`);
    if (wanted === 'prompt') return [promptOf(value, cells)];
    return [{ kind: 'text', text: value, ...cells.common() }];
  },
};

/** A piece of text that is to be gone on with. */
const promptOf = (content: string, cells: Cells): ChatExample => ({
  kind: 'chat',
  messages: [{ role: 'user', content }],
  answers: [],
  isPlain: true,
  ...cells.common(),
});
