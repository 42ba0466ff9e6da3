// SPDX-License-Identifier: Apache-2.0
import type { ResponseRole } from '@llmf/training';
import { RowProblem } from '../readers/row-reader.js';
import { chooseKind, readLabel } from './answers.js';
import { asStructure, type Cells } from './cells.js';
import type { DataFormat, WantedRows } from './data-format.js';
import type { ColumnRole } from './columns.js';
import type { TokenExample } from './example.js';

/** Token ids instead of text: promptIds with responseIds (and a label), or with chosenIds and rejectedIds. */
export const tokens: DataFormat = {
  name: 'tokens',
  description: 'promptIds, responseIds (with or without label; or chosenIds and rejectedIds), images',
  columns: {
    promptIds: ['promptIds'],
    responseIds: ['responseIds'],
    chosenIds: ['chosenIds'],
    rejectedIds: ['rejectedIds'],
    label: ['label', 'kto_tag'],
    images: ['images', 'image'],
    videos: ['videos', 'video'],
    audios: ['audios', 'audio'],
    weight: [],
  },
  recognisedBy: [['responseIds'], ['chosenIds', 'rejectedIds'], ['promptIds']],
  read(cells, wanted) {
    const prompt = cells.has('promptIds') ? readIds(cells, 'promptIds') : [];
    const common = cells.common();
    if (wanted === 'prompt' && prompt.length === 0)
      throw new RowProblem(`column ${cells.column('promptIds')} is empty`);
    return answersOf(cells, wanted).map((answers): TokenExample => {
      if (answers.some(({ ids }) => ids.length === 0)) throw new RowProblem('an answer has no token ids');
      return { kind: 'tokens', prompt, answers, ...common };
    });
  },
};

type Answers = TokenExample['answers'];

/** Those of each example that the row gives. @throws RowProblem where it holds nothing for what is wanted. */
function answersOf(cells: Cells, wanted: WantedRows): Answers[] {
  if (wanted === 'prompt') return [[]];
  const answer = (role: ColumnRole, as: ResponseRole) => ({ role: as, ids: readIds(cells, role) });
  const kind = chooseKind(wanted, kindsOf(cells));
  if (kind === 'labelled') return [[answer('responseIds', readLabel(cells))]];
  if (kind === 'single') return [[answer('responseIds', 'response')]];
  if (kind === null) throw new RowProblem(`the row of token ids holds nothing for ${wanted} rows`);
  if (wanted === 'single' || wanted === 'text') return [[answer('chosenIds', 'response')]];
  if (wanted === 'labelled') return [[answer('chosenIds', 'desirable')], [answer('rejectedIds', 'undesirable')]];
  if (wanted === 'group') return [[answer('chosenIds', 'response'), answer('rejectedIds', 'response')]];
  return [[answer('chosenIds', 'chosen'), answer('rejectedIds', 'rejected')]];
}

/** What the columns of a row can serve as, the most specific first. */
function kindsOf(cells: Cells): ('pair' | 'labelled' | 'single')[] {
  const isPair = cells.has('chosenIds') && cells.has('rejectedIds');
  const isSingle = cells.has('responseIds');
  return [
    ...(isPair ? (['pair'] as const) : []),
    ...(isSingle && cells.has('label') ? (['labelled'] as const) : []),
    ...(isSingle ? (['single'] as const) : []),
  ];
}

function readIds(cells: Cells, role: ColumnRole): number[] {
  const where = `column ${cells.column(role)}`;
  const ids = asStructure(cells.required(role), where);
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 31;
  if (!Array.isArray(ids) || !ids.every(isId)) throw new RowProblem(`${where} is not a list of token ids`);
  return ids as number[];
}
