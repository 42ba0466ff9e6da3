// SPDX-License-Identifier: Apache-2.0
import { JsonNumber } from '@llmf/jinja';
import { RowProblem } from '../readers/row-reader.js';
import { asStructure, asText, type Cells } from './cells.js';
import type { DataFormat } from './data-format.js';
import type { ColumnRole } from './columns.js';
import type { SequenceExample } from './example.js';

/** A text with its label, several of them, or numbers. */
export const labelledText: DataFormat = {
  name: 'labelled-text',
  description: 'text with label (a name, a number, or a list of either)',
  columns: {
    text: ['text', 'sentence', 'content', 'review'],
    label: ['label', 'labels', 'class', 'score', 'sentiment'],
    weight: [],
  },
  recognisedBy: [['text', 'label'], ['text']],
  serves: ['classified'],
  read: (cells) => [
    {
      kind: 'sequences',
      texts: [{ role: 'response', text: textOf(cells, 'text') }],
      labels: labelsOf(cells, 'label'),
      ...cells.common(),
    },
  ],
};

/** Words with a tag each, as CoNLL's data sets have them. */
export const taggedWords: DataFormat = {
  name: 'tagged-words',
  description: 'tokens (a list of words) with tags (a list of as many names or numbers)',
  columns: {
    words: ['tokens', 'words'],
    tags: ['ner_tags', 'tags', 'pos_tags', 'labels'],
    weight: [],
  },
  recognisedBy: [['words', 'tags'], ['words']],
  serves: ['classified'],
  read(cells) {
    const words = listOf(cells.required('words'), `column ${cells.column('words')}`).map(String);
    const labels = labelsOf(cells, 'tags');
    if (words.length === 0) throw new RowProblem(`column ${cells.column('words')} is empty`);
    if (labels !== null && labels.length !== words.length) {
      throw new RowProblem(`${words.length} words, but ${labels.length} in column ${cells.column('tags')}`);
    }
    return [{ kind: 'sequences', texts: [{ role: 'response', text: words }], labels, ...cells.common() }];
  },
};

/** A text, one that means the same, and any number that do not. */
export const similarTexts: DataFormat = {
  name: 'similar-texts',
  description: 'anchor, positive, and optionally negative (a text or a list)',
  columns: {
    anchor: ['anchor', 'query', 'question', 'sentence1'],
    positive: ['positive', 'pos', 'answer', 'sentence2'],
    negative: ['negative', 'negatives', 'neg'],
    weight: [],
  },
  recognisedBy: [['anchor', 'positive']],
  serves: ['similar'],
  read(cells): SequenceExample[] {
    const value = cells.value('negative');
    const where = `column ${cells.column('negative')}`;
    const negatives =
      value === null
        ? []
        : listOf(value, where).map((text) => ({ role: 'negative' as const, text: asText(text, where) }));
    const texts = [
      { role: 'anchor' as const, text: textOf(cells, 'anchor') },
      { role: 'positive' as const, text: textOf(cells, 'positive') },
      ...negatives,
    ];
    return [{ kind: 'sequences', texts, labels: null, ...cells.common() }];
  },
};

function textOf(cells: Cells, role: ColumnRole): string {
  const text = cells.text(role);
  if (text.trim() === '') throw new RowProblem(`column ${cells.column(role)} is empty`);
  return text;
}

/** A list, or one value as a list of one; a file of texts (CSV) may hold a list as JSON. */
function listOf(value: unknown, where: string): readonly unknown[] {
  const given = typeof value === 'string' && /^\s*\[/.test(value) ? asStructure(value, where) : value;
  return Array.isArray(given) ? given : [given];
}

/** Names and numbers; null where the row has no such column. @throws RowProblem for what is neither */
function labelsOf(cells: Cells, role: ColumnRole): (string | number)[] | null {
  const value = cells.value(role);
  if (value === null) return null;
  const where = `column ${cells.column(role)}`;
  return listOf(value, where).map((label) => {
    if (label instanceof JsonNumber || typeof label === 'bigint') return Number(label);
    if (typeof label === 'number' || typeof label === 'string') return label;
    if (typeof label === 'boolean') return String(label);
    throw new RowProblem(`${where} holds ${JSON.stringify(label)}, neither a name nor a number`);
  });
}
