// SPDX-License-Identifier: Apache-2.0
import type { ResponseRole } from '@llmf/training';
import { RowProblem } from '../readers/row-reader.js';
import { asStructure, type Cells } from './cells.js';
import type { ColumnRole, DataFormat, WantedRows } from './data-format.js';
import type { TokenExample } from './example.js';

/** Token ids instead of text: promptIds with responseIds, or with chosenIds and rejectedIds. */
export const tokens: DataFormat = {
  name: 'tokens',
  description: 'promptIds, responseIds (or chosenIds and rejectedIds), images',
  columns: {
    promptIds: ['promptIds'],
    responseIds: ['responseIds'],
    chosenIds: ['chosenIds'],
    rejectedIds: ['rejectedIds'],
    images: ['images', 'image'],
    videos: ['videos', 'video'],
    audios: ['audios', 'audio'],
    weight: [],
  },
  recognisedBy: [['responseIds'], ['chosenIds', 'rejectedIds'], ['promptIds']],
  read(cells, wanted) {
    const example: TokenExample = {
      kind: 'tokens',
      prompt: cells.has('promptIds') ? readIds(cells, 'promptIds') : [],
      answers: answersOf(cells, wanted),
      weight: cells.weight(),
      extras: cells.extras(),
      media: cells.media(),
    };
    if (wanted === 'prompt' && example.prompt.length === 0)
      throw new RowProblem(`column ${cells.column('promptIds')} is empty`);
    if (example.answers.some(({ ids }) => ids.length === 0)) throw new RowProblem('an answer has no token ids');
    return [example];
  },
};

function answersOf(cells: Cells, wanted: WantedRows): TokenExample['answers'] {
  if (wanted === 'prompt') return [];
  const answer = (role: ColumnRole, as: ResponseRole) => ({ role: as, ids: readIds(cells, role) });
  return isPair(cells, wanted)
    ? [answer('chosenIds', 'chosen'), answer('rejectedIds', 'rejected')]
    : [answer('responseIds', 'response')];
}

function isPair(cells: Cells, wanted: WantedRows): boolean {
  if (wanted === 'pair') return true;
  if (wanted === 'any') return cells.has('chosenIds') && cells.has('rejectedIds');
  if (wanted === 'single' || wanted === 'text') return false;
  throw new RowProblem(`rows of token ids cannot be used as ${wanted} rows`);
}

function readIds(cells: Cells, role: ColumnRole): number[] {
  const where = `column ${cells.column(role)}`;
  const ids = asStructure(cells.required(role), where);
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 31;
  if (!Array.isArray(ids) || !ids.every(isId)) throw new RowProblem(`${where} is not a list of token ids`);
  return ids as number[];
}
