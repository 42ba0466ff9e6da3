// SPDX-License-Identifier: Apache-2.0
import type { LabelRequest } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import { temporaryFolder, write } from '../../test/tiny-tokenizers.js';
import { builtInFormats } from '../formats/index.js';
import type { WantedRows } from '../formats/data-format.js';
import { RowProblem } from '../readers/row-reader.js';
import { openSourceFile, readExamples } from '../sources/open-source-file.js';
import { decodeRecord, encodeRecord } from '../store/record.js';
import { Tokenizer } from '../tokenizer.js';
import { Encoder } from './encoder.js';

const folder = temporaryFolder();
const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', 'film', '##s', 'play', '##ing'];
write(folder, 'tokenizer.json', {
  added_tokens: pieces.slice(0, 5).map((content, id) => ({ id, content, special: true })),
  normalizer: null,
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
  },
});
write(folder, 'tokenizer_config.json', {
  mask_token: '[MASK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
});
const tokenizer = await Tokenizer.load(folder);

const options = {
  systemPrompt: null,
  maxLength: 6 as number | null,
  truncation: 'keepStart',
  trainOnPrompt: false,
  maskHistory: false,
  leavesMedia: false,
  asText: false,
} as const;
let files = 0;

/** A row as tokens and labels, or why there are none. */
async function encoded(row: object, labels?: LabelRequest, wanted: WantedRows = 'classified') {
  const path = write(folder, `rows-${files++}.json`, [row]);
  const opened = await openSourceFile(
    { path, format: null, columns: {}, tags: null, pieces: 'line' },
    builtInFormats,
    wanted,
    [],
  );
  const [raw] = await opened.reader.read(0, 1);
  await opened.reader.close();
  const examples = readExamples(raw, opened, wanted);
  if (examples instanceof RowProblem) return examples.message;
  const template = { plain: 'asIs', chat: null, chatNotice: null } as never;
  try {
    const { rows } = new Encoder(tokenizer, template, { ...options, ...(labels && { labels }) }).encode(examples[0]!);
    const [parts] = rows;
    const again = decodeRecord(encodeRecord(parts!, []), []);
    expect(again).toEqual(parts);
    return {
      ids: again.responses.map(({ ids }) => [...ids]),
      roles: again.responses.map(({ role }) => role),
      labels: again.labels && [...again.labels],
    };
  } catch (error) {
    if (error instanceof RowProblem) return error.message;
    throw error;
  }
}
const names = ['bad', 'good'];

describe('texts with labels', () => {
  it('stand between the tokens of the tokenizer’s own post-processing, cut at their end', async () => {
    const { ids } = (await encoded({ text: 'good films playing', label: 'good' }, { form: 'class', names })) as {
      ids: number[][];
    };
    expect(ids).toEqual([[2, 5, 7, 8, 9, 3]]); // [CLS] good film ##s play [SEP]: one token too many
  });

  it.each([
    ['a name', 'good', [1]],
    ['a number', 0, [0]],
    ['a number as text', '1', [1]],
  ])('%s becomes the number of its class', async (_what, label, expected) => {
    expect(await encoded({ text: 'good', label }, { form: 'class', names })).toMatchObject({ labels: expected });
  });

  it('several labels become 1 where they hold, numbers stay', async () => {
    expect(await encoded({ text: 'good', labels: ['good'] }, { form: 'classes', names })).toMatchObject({
      labels: [0, 1],
    });
    expect(await encoded({ text: 'good', labels: [] }, { form: 'classes', names })).toMatchObject({ labels: [0, 0] });
    expect(await encoded({ text: 'good', label: 2.5 }, { form: 'numbers', names: [] })).toMatchObject({
      labels: [2.5],
    });
  });

  it('of words stand at the token with which each begins', async () => {
    const row = { tokens: ['good', 'films', 'playing'], ner_tags: ['bad', 'good', 'bad'] };
    expect(await encoded(row, { form: 'words', names })).toMatchObject({
      ids: [[2, 5, 7, 8, 9, 3]],
      labels: [-100, 0, 1, -100, 0, -100],
    });
  });

  it.each([
    [{ text: 'good', label: 'ugly' }, /label "ugly" is none of bad, good/],
    [{ text: 'good', label: 7 }, /label 7 is none of/],
    [{ text: 'good', label: null }, /the row has no label/],
    [{ text: '  ', label: 'good' }, /column text is empty/],
    [{ text: 'good', labels: ['good', 'bad'] }, /has 2 labels, and one is learned \(multiLabel/],
    [{ tokens: ['good'], ner_tags: ['good', 'bad'] }, /1 words, but 2 in column ner_tags/],
    [{ tokens: ['good'], ner_tags: ['good'] }, /labels words, not a text/],
  ])('%j is refused', async (row, message) => {
    expect(await encoded(row, { form: 'class', names })).toMatch(message);
  });

  it('a text where a number is learned is refused', async () => {
    expect(await encoded({ text: 'good', label: 'fine' }, { form: 'numbers', names: [] })).toMatch(
      /"fine" is not a number/,
    );
  });
});

describe('similar texts', () => {
  it('are an anchor, a positive and any number of negatives', async () => {
    const row = { anchor: 'good', positive: 'films', negative: ['bad', 'play'] };
    expect(await encoded(row, undefined, 'similar')).toMatchObject({
      roles: ['anchor', 'positive', 'negative', 'negative'],
      ids: [
        [2, 5, 3],
        [2, 7, 8, 3],
        [2, 6, 3],
        [2, 9, 3],
      ],
    });
  });
});

describe('a tokenizer', () => {
  it('says which tokens go on with a word, which are special and which hides', () => {
    expect(pieces.filter((_piece, id) => tokenizer.continuesWord(id))).toEqual(['##s', '##ing']);
    expect([...tokenizer.specialIds].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(tokenizer.mask?.id).toBe(4);
  });
});
