// SPDX-License-Identifier: Apache-2.0
import type { EncodedRow } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import { fakeRun } from '../test/fake-run.js';
import { chatmlTokenizer, temporaryFolder, write } from '../test/tiny-tokenizers.js';
import { describeRow, describeSplit, descriptionLines, histogram } from './describe.js';
import { openData } from './service.js';
import { Tokenizer } from './tokenizer.js';

describe('histogram', () => {
  it('puts every length into the bar that it does not exceed', () => {
    const lengths = [1, 2, 2, 3, 9, 10, 16, 16];
    const { median, p90, largest, bars } = histogram(lengths);
    // Largest 16 in 8 bars: each is 2 wide.
    expect([median, p90, largest]).toEqual([9, 16, 16]);
    expect(bars).toEqual(
      [2, 4, 6, 8, 10, 12, 14, 16].map((upTo, at) => ({ upTo, rows: [3, 1, 0, 0, 2, 0, 0, 2][at] })),
    );
  });

  it('has a bar for one short row', () => expect(histogram([1]).bars).toEqual([{ upTo: 1, rows: 1 }]));
});

describe('describeRow', () => {
  it('writes a token that repeats once, with its number', () => {
    const row: EncodedRow = {
      index: 0,
      weight: 1,
      extras: {},
      media: [],
      prompt: Int32Array.of(7, 9, 9, 9, 9, 9, 8, 8),
      responses: [{ ids: Int32Array.of(5, 5, 5, 5), counted: Uint8Array.of(0, 0, 1, 1), role: 'response' }],
    };
    const { prompt, responses } = describeRow(row, null);
    expect(prompt).toBe('7 9×5 8 8 ');
    expect(responses[0]!.pieces.map(({ text }) => text)).toEqual(['5 5 ', '5 5 ']);
  });
});

describe('describeSplit', () => {
  it('tells lengths, drops and the first example with what is learned', async () => {
    const folder = temporaryFolder();
    const model = chatmlTokenizer();
    const messages = ['a', 'b', 'c', 'd'].map((content, at) => ({
      role: at % 2 === 0 ? 'user' : 'assistant',
      content,
    }));
    write(folder, 'chats.json', [{ messages }, { messages: [] }, { messages: messages.slice(0, 2) }]);
    const { train } = await openData(fakeRun(folder, { train: [{ path: 'chats.json' }] }, model), { rows: 'single' });
    const tokenizer = await Tokenizer.load(model);
    const description = await describeSplit(train, tokenizer);
    expect(description).toMatchObject({
      rows: 2,
      drops: { dropped: 1, truncated: 0, reasons: [{ reason: 'column messages is empty', count: 1 }] },
    });
    expect(description.tokens).toBe(train.tokensOf(0) + train.tokensOf(1));
    expect(description.example).toMatchObject({ source: 'chats.json', row: 1 });
    expect(descriptionLines(description).slice(-2)).toEqual([
      '  prompt: <|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n',
      '  response: ⟦b<|im_end|>⟧\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n⟦d<|im_end|>⟧',
    ]);
    const [row] = await train.rows([0]);
    expect(describeRow(row!, null).prompt).toBe(`${row!.prompt.join(' ')} `);
    await train.close();
  });
});
