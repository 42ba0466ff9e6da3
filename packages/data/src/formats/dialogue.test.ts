// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { byteTokenizer, chatmlTokenizer } from '../../test/tiny-tokenizers.js';
import { Encoder } from '../encode/encoder.js';
import { encodePrompt } from '../prompt.js';
import { chooseTemplate } from '../templates/choose.js';
import { Tokenizer } from '../tokenizer.js';
import { Cells } from './cells.js';
import { dialogueOf, dialogueTurns } from './dialogue.js';
import type { ChatExample, Message } from './example.js';
import { promptCompletion } from './instruction.js';
import { preference } from './preference.js';
import type { DataFormat, WantedRows } from './data-format.js';

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

/** The examples of a row whose columns have their usual names. */
function read(format: DataFormat, row: Record<string, unknown>, wanted: WantedRows): ChatExample[] {
  const columns = Object.fromEntries(
    Object.entries(format.columns).map(([role, names]) => [role, names.find((name) => name in row) ?? names[0]]),
  );
  const cells = new Cells(row, { columns, tags: format.tags ?? null, extras: [], folder: '/' });
  return format.read(cells, wanted) as ChatExample[];
}

const before = '\n\nHuman: Hi \n\nAssistant: Hello.\n\nHuman: Name a\n\ncolour.';
const chat = [user('Hi'), assistant('Hello.'), user('Name a\n\ncolour.')];
const pair = { messages: chat, answers: [[assistant('I say blue.')], [assistant('I say seven.')]] };

describe('a pair of HH-RLHF', () => {
  it.each([
    [
      'both dialogues whole, whose answers begin alike',
      { chosen: `${before}\n\nAssistant: I say blue.`, rejected: `${before}\n\nAssistant: I say seven.` },
    ],
    ['the prompt apart', { prompt: `${before}\n\nAssistant:`, chosen: ' I say blue.', rejected: ' I say seven.' }],
    ['the prompt without whose turn comes', { prompt: before, chosen: 'I say blue.', rejected: 'I say seven.' }],
    [
      'answers that name the speaker',
      { prompt: before, chosen: '\n\nAssistant: I say blue.', rejected: 'Assistant: I say seven.' },
    ],
    [
      'the prompt, and both dialogues whole',
      {
        prompt: `${before}\n\nAssistant:`,
        chosen: `${before}\n\nAssistant: I say blue.`,
        rejected: `${before}\n\nAssistant: I say seven.`,
      },
    ],
  ])('gives its turns: %s', (_, row) => {
    const { messages, answers, isPlain } = dialogueOf(read(preference, row, 'pair')[0]!)!;
    expect({ messages, answers: answers.map((answer) => answer.messages) }).toEqual(pair);
    expect(answers.map(({ role }) => role)).toEqual(['chosen', 'rejected']);
    expect(isPlain).toBe(false);
  });

  it('may go on differently for several turns', () => {
    const row = {
      chosen: '\n\nHuman: A\n\nAssistant: b\n\nHuman: C\n\nAssistant: d',
      rejected: '\n\nHuman: A\n\nAssistant: x',
    };
    const { messages, answers } = dialogueOf(read(preference, row, 'pair')[0]!)!;
    expect(messages).toEqual([user('A')]);
    expect(answers[0]!.messages).toEqual([assistant('b'), user('C'), assistant('d')]);
    expect(answers[1]!.messages).toEqual([assistant('x')]);
  });

  it('whose dialogues part before the last question is dropped, and one without an answer', () => {
    const part = { chosen: '\n\nHuman: A\n\nAssistant: b', rejected: '\n\nHuman: B\n\nAssistant: b' };
    expect(() => dialogueOf(read(preference, part, 'pair')[0]!)).toThrow('do not follow one question');
    const open = { prompt: `${before}\n\nAssistant: b`, chosen: ' c', rejected: ' d\n\nHuman: E' };
    expect(() => dialogueOf(read(preference, open, 'pair')[0]!)).toThrow('does not end with an answer');
  });
});

describe('a dialogue in one text', () => {
  it('as a supervised row has every answer learned, as a labelled one the last', () => {
    const row = { prompt: `${before}\n\nAssistant:`, completion: ' Blue.' };
    const [single] = read(promptCompletion, row, 'single').map(dialogueOf);
    expect(single!.messages).toEqual([user('Hi')]);
    expect(single!.answers[0]!.messages).toEqual([...chat.slice(1), assistant('Blue.')]);
    const [labelled] = read(promptCompletion, { ...row, label: true }, 'labelled').map(dialogueOf);
    expect(labelled!.messages).toEqual(chat);
  });

  it('as a prompt ends with its last question', () => {
    const [prompt] = read(promptCompletion, { prompt: `${before}\n\nAssistant: I`, completion: 'x' }, 'prompt').map(
      dialogueOf,
    );
    expect([prompt!.messages, prompt!.answers]).toEqual([chat, []]);
  });

  it.each([
    'Human: are you one?',
    'Is it Human:\n\nAssistant: or not',
    'Assistant: hello\n\nHuman: hi',
    'Human: a\nAssistant: b',
  ])('is none: %j', (text) => expect(dialogueTurns(text)).toBeNull());
});

describe('encoded', () => {
  const options = { systemPrompt: null, maxLength: null, truncation: 'keepStart', trainOnPrompt: false } as const;
  const rest = { maskHistory: false, leavesMedia: false, asText: false };
  const row = { chosen: `${before}\n\nAssistant: Blue.`, rejected: `${before}\n\nAssistant: Seven.` };
  const encoded = async (folder: string, template: string) => {
    const tokenizer = await Tokenizer.load(folder);
    const chosen = await chooseTemplate(template, tokenizer, '/');
    const encoder = new Encoder(tokenizer, chosen, { ...options, ...rest });
    const { prompt, responses } = encoder.encode(read(preference, row, 'pair')[0]!).rows[0]!;
    const texts = [prompt, ...responses.map(({ ids }) => ids)].map((ids) => tokenizer.decode(ids));
    return { texts, notices: [...encoder.notices], tokenizer, chosen };
  };

  it('by a template it is a chat, which is said, and generate writes the same prompt', async () => {
    const { texts, notices, tokenizer, chosen } = await encoded(chatmlTokenizer(), 'auto');
    expect(texts).toEqual([
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n' +
        '<|im_start|>user\nName a\n\ncolour.<|im_end|>\n<|im_start|>assistant\n',
      'Blue.<|im_end|>',
      'Seven.<|im_end|>',
    ]);
    expect(notices.join()).toContain('read as turns');
    expect(tokenizer.decode(encodePrompt(tokenizer, chosen, `${before}\n\nAssistant:`))).toBe(texts[0]);
  });

  it('without a template it stays the text that it is, as in TRL', async () => {
    const { texts, notices } = await encoded(byteTokenizer(), 'none');
    expect(texts).toEqual([`${before}\n\nAssistant:`, ' Blue.', ' Seven.']);
    expect(notices).toEqual([]);
  });
});
