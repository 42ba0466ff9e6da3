// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { LlmfError } from '@llmf/core';
import { temporaryFolder, write } from '../../test/tiny-tokenizers.js';
import { RowProblem } from '../readers/row-reader.js';
import { openSourceFile, readExamples } from '../sources/open-source-file.js';
import type { SourceFile } from '../sources/source.js';
import type { WantedRows } from './data-format.js';
import type { ChatExample, Example } from './example.js';
import { builtInFormats } from './index.js';

const folder = temporaryFolder();
let files = 0;

type Given = Partial<Pick<SourceFile, 'format' | 'columns' | 'tags'>> & { extras?: readonly string[] };

async function read(rows: readonly unknown[], wanted: WantedRows, given: Given = {}): Promise<(Example | string)[][]> {
  const path = write(folder, `rows-${files++}.json`, rows);
  const file: SourceFile = { path, format: null, columns: {}, tags: null, pieces: 'line', ...given };
  const opened = await openSourceFile(file, builtInFormats, wanted, given.extras ?? []);
  const raw = await opened.reader.read(0, opened.reader.length);
  await opened.reader.close();
  return raw.map((row) => {
    const examples = readExamples(row, opened, wanted);
    return examples instanceof RowProblem ? [examples.message] : examples;
  });
}

const readOne = async (row: unknown, wanted: WantedRows, given?: Given) => (await read([row], wanted, given))[0]!;
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: LlmfError) => error,
  );

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const answer = (role: string, ...contents: string[]) => ({ role, messages: contents.map(assistant) });
/** What matters of an example in these tests. */
const shape = (example: Example | string | undefined) => {
  const { system, messages, answers, isPlain } = example as ChatExample;
  return { ...(system !== undefined && { system }), messages, answers, isPlain };
};

describe('columns that say what the model sees', () => {
  it.each([
    ['OpenOrca', { system_prompt: 'Be brief.', question: 'Q?', response: 'A' }, { system: 'Be brief.', asked: 'Q?' }],
    ['Dolly', { instruction: 'Q?', context: 'C', response: 'A', category: 'qa' }, { asked: 'Q?\nC' }],
    ['sql-create-context', { question: 'Q?', context: 'C', answer: 'A' }, { asked: 'Q?\nC' }],
    [
      'alpaca with a system prompt',
      { instruction: 'Q?', input: '', output: 'A', system_prompt: 'S' },
      { system: 'S', asked: 'Q?' },
    ],
    [
      'functions of older chats',
      { messages: [user('Q?'), assistant('A')], functions: [{ name: 'f' }] },
      { asked: 'Q?', tools: [{ name: 'f' }] },
    ],
  ])('%s', async (_, row, { asked, ...expected }: { system?: string; asked: string; tools?: unknown }) => {
    const [found] = (await readOne(row, 'single')) as ChatExample[];
    expect(found!.messages).toEqual([user(asked)]);
    expect(found!.system?.content).toBe(expected.system);
    expect(found!.tools).toEqual(expected.tools);
    expect(found!.answers).toEqual([answer('response', 'A')]);
  });
});

describe('pairs', () => {
  const expected = { messages: [user('Q?')], answers: [answer('chosen', 'good'), answer('rejected', 'bad')] };
  it.each([
    ['prompt, chosen, rejected', { prompt: 'Q?', chosen: 'good', rejected: 'bad' }, true],
    ['question, chosen, rejected', { question: 'Q?', chosen: 'good', rejected: 'bad' }, true],
    ['alpaca ranking', { instruction: 'Q?', input: '', chosen: 'good', rejected: 'bad' }, true],
    [
      'medicalgpt',
      { question: 'Q?', response_chosen: 'good', response_rejected: 'bad', system: '', history: [] },
      true,
    ],
    ['conversational', { prompt: [user('Q?')], chosen: [assistant('good')], rejected: [assistant('bad')] }, false],
    [
      'UltraFeedback, whose messages are the chosen chat whole',
      {
        prompt: 'Q?',
        prompt_id: 'x',
        chosen: [user('Q?'), assistant('good')],
        rejected: [user('Q?'), assistant('bad')],
        messages: [user('Q?'), assistant('good')],
        score_chosen: 8.5,
      },
      false,
    ],
    [
      'messages as JSON text',
      {
        prompt: JSON.stringify([user('Q?')]),
        chosen: JSON.stringify([assistant('good')]),
        rejected: JSON.stringify([assistant('bad')]),
      },
      false,
    ],
    [
      'whole conversations, with the prompt',
      { prompt: 'Q?', chosen: [user('Q?'), assistant('good')], rejected: [user('Q?'), assistant('bad')] },
      true,
    ],
    [
      'whole conversations, prompt implied',
      { chosen: [user('Q?'), assistant('good')], rejected: [user('Q?'), assistant('bad')] },
      false,
    ],
    ['strings, prompt implied (the space belongs to the answers)', { chosen: 'Q? good', rejected: 'Q? bad' }, true],
    [
      'sharegpt ranking',
      {
        conversations: [{ from: 'human', value: 'Q?' }],
        chosen: { from: 'gpt', value: 'good' },
        rejected: { from: 'gpt', value: 'bad' },
      },
      false,
    ],
    [
      'sharegpt ranking with plain answers',
      { conversations: [{ from: 'human', value: 'Q?' }], chosen: 'good', rejected: 'bad' },
      false,
    ],
    ['openai ranking', { messages: [user('Q?')], chosen: assistant('good'), rejected: assistant('bad') }, false],
    [
      'parts with a loss weight',
      {
        chosen_messages: [user('Q?'), { ...assistant(''), content: [{ type: 'text', value: 'good' }] }],
        rejected_messages: [user('Q?'), { ...assistant(''), content: [{ type: 'text', value: 'bad' }] }],
      },
      false,
    ],
  ])('%s', async (name, row, isPlain) => {
    const [example] = await readOne(row, 'pair');
    const space = name.startsWith('strings') ? ' ' : '';
    const answers = [answer('chosen', `${space}good`), answer('rejected', `${space}bad`)];
    expect(shape(example)).toMatchObject({ ...expected, answers, isPlain });
  });

  it('splits strings at characters, never inside one of two code units', async () => {
    // 🙂 and 🙃 share their first UTF-16 unit.
    const [example] = await readOne({ chosen: 'ab🙂', rejected: 'ab🙃' }, 'pair');
    expect(shape(example)).toMatchObject({
      messages: [user('ab')],
      answers: [answer('chosen', '🙂'), answer('rejected', '🙃')],
    });
  });

  it('keeps system prompt and earlier turns as context', async () => {
    const row = { instruction: 'C', system: 'S', history: [['A', 'B']], chosen: 'x', rejected: 'y' };
    const [example] = await readOne(row, 'pair');
    expect(shape(example)).toMatchObject({
      system: { role: 'system', content: 'S' },
      messages: [user('A'), assistant('B'), user('C')],
      isPlain: false,
    });
  });

  it.each([
    ['chosen equals rejected', { prompt: 'Q', chosen: 'x', rejected: 'x' }, 'chosen equals rejected'],
    ['a null answer', { prompt: 'Q', chosen: null, rejected: 'x' }, 'column chosen is missing or null'],
    ['an answer of blanks', { prompt: 'Q', chosen: ' \n', rejected: 'x' }, 'column chosen is an empty answer'],
    ['an empty prompt', { prompt: '', chosen: 'x', rejected: 'y' }, 'column prompt is empty'],
    ['a list for a prompt', { prompt: ['Q'], chosen: 'x', rejected: 'y' }, 'column prompt is not an object'],
    ['an object for an answer', { prompt: 'Q', chosen: { a: 1 }, rejected: 'y' }, 'column chosen has no role'],
    [
      'no common beginning',
      { chosen: 'x', rejected: 'y' },
      'chosen and rejected have no beginning in common, so there is no prompt',
    ],
    ['a string instead of an object', 'hello', 'the row is a string, not an object'],
    ['null instead of an object', null, 'the row is null, not an object'],
  ])('drops a row with %s and says why', async (_, row, reason) => {
    const good = { prompt: 'Q?', chosen: 'good', rejected: 'bad' };
    expect((await read([good, row], 'pair'))[1]).toEqual([reason]);
  });

  it('refuses an unknown role and a null content', async () => {
    const good = { messages: [user('Q')], chosen: assistant('a'), rejected: assistant('b') };
    const rows = [
      good,
      { ...good, messages: [{ role: 'king', content: 'x' }] },
      { ...good, messages: [{ role: 'user', content: null }] },
    ];
    const [, king, empty] = await read(rows, 'pair');
    expect(king).toEqual(['column messages has the unknown role "king"']);
    expect(empty).toEqual(['the content of column messages is null']);
  });
});

describe('supervised rows', () => {
  it.each([
    ['alpaca', { instruction: 'Add', input: '1 2', output: '3' }, [user('Add\n1 2')], ['3'], true],
    ['prompt and completion', { prompt: 'P', completion: 'C' }, [user('P')], ['C'], true],
    ['question and answer', { question: 'P', answer: 'C' }, [user('P')], ['C'], true],
    ['conversational completion', { prompt: [user('P')], completion: [assistant('C')] }, [user('P')], ['C'], false],
    ['openai', { messages: [user('P'), assistant('C')] }, [user('P')], ['C'], false],
  ])('%s', async (_, row, messages, contents, isPlain) => {
    expect(shape((await readOne(row, 'single'))[0])).toEqual({
      messages,
      answers: [answer('response', ...contents)],
      isPlain,
    });
  });

  it('ends the prompt before the first answer, so that every answer of a chat can be learned', async () => {
    const chat = [user('a'), assistant('b'), user('c'), assistant('d'), user('e')];
    const [example] = await readOne({ messages: chat }, 'single');
    expect(shape(example)).toMatchObject({ messages: [user('a')], answers: [{ messages: chat.slice(1, 4) }] });
    expect((example as ChatExample).wasCut).toBe(true);
    const [history] = await readOne({ instruction: 'c', output: 'd', history: [['a', 'b']] }, 'single');
    expect(shape(history)).toMatchObject({ messages: [user('a')], answers: [{ messages: chat.slice(1, 4) }] });
  });

  it('takes the chosen answer of a ranked conversation, and learns the earlier answers too', async () => {
    const messages = [user('a'), assistant('b'), user('c')];
    const [example] = await readOne({ messages, chosen: assistant('x'), rejected: assistant('y') }, 'single');
    const { messages: prompt, answers } = shape(example);
    expect([prompt, answers[0]!.messages]).toEqual([[user('a')], [assistant('b'), user('c'), assistant('x')]]);
  });

  it('takes the chosen answer of a pair', async () => {
    const [example] = await readOne({ prompt: 'Q', chosen: 'x', rejected: 'y' }, 'single');
    expect(shape(example).answers).toEqual([answer('response', 'x')]);
  });

  it('lets a chat’s own system turn stand above the column', async () => {
    const messages = [
      { from: 'system', value: 'S' },
      { from: 'human', value: 'P' },
      { from: 'gpt', value: 'C' },
    ];
    expect(shape((await readOne({ conversations: messages, system: 'T' }, 'single'))[0]).system?.content).toBe('S');
    expect(shape((await readOne({ conversations: messages.slice(1), system: 'T' }, 'single'))[0]).system?.content).toBe(
      'T',
    );
  });

  it('reads function calls, results and tools', async () => {
    const conversations = [
      { from: 'human', value: 'Weather?' },
      { from: 'function_call', value: '{"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}' },
      { from: 'observation', value: 'sun' },
      { from: 'gpt', value: 'Sunny.' },
    ];
    const [example] = await readOne({ conversations, tools: '[{"name": "weather"}]' }, 'single');
    const { messages, answers, tools } = example as ChatExample;
    expect(messages).toEqual([user('Weather?')]);
    expect(answers[0]!.messages).toEqual([
      { role: 'assistant', content: '', toolCalls: [{ name: 'weather', arguments: { city: 'Rome' } }] },
      { role: 'tool', content: 'sun' },
      assistant('Sunny.'),
    ]);
    expect(tools).toEqual([{ name: 'weather' }]);
  });

  it('reads content in parts: pictures as placeholders with their references, reasoning, masked turns', async () => {
    const messages = [
      {
        role: 'user',
        content: [
          { type: 'image_url', value: 'a.jpg' },
          { type: 'text', value: 'Who?' },
        ],
      },
      {
        role: 'assistant',
        loss_weight: 0,
        content: [
          { type: 'reasoning', value: 'hm' },
          { type: 'text', text: 'Ada' },
        ],
      },
      { role: 'user', content: 'And?' },
      { role: 'assistant', content: 'Bob' },
    ];
    const [example] = await readOne({ messages }, 'single');
    const { messages: prompt, answers, media } = example as ChatExample;
    const reference = { kind: 'image', value: 'a.jpg', folder };
    expect(prompt[0]).toMatchObject({ content: '<image>Who?', media: [{ kind: 'image', at: 0, reference }] });
    expect(media).toEqual([]);
    expect(answers[0]!.messages[0]).toEqual({
      role: 'assistant',
      content: 'Ada',
      media: [],
      reasoning: 'hm',
      isMasked: true,
    });
  });

  it('keeps media columns and placeholders untouched', async () => {
    const row = {
      messages: [user('<image>Who?'), assistant('Ada')],
      images: ['x/1.jpg', { path: '2.jpg' }],
      audios: 'a.wav',
    };
    const [example] = await readOne(row, 'single');
    expect((example as ChatExample).messages[0]!.content).toBe('<image>Who?');
    expect((example as ChatExample).media).toEqual([
      { kind: 'image', value: 'x/1.jpg', folder },
      { kind: 'image', value: { path: '2.jpg' }, folder },
      { kind: 'audio', value: 'a.wav', folder },
    ]);
  });

  it.each([
    ['without an answer', { messages: [user('a')] }, 'the chat has no answer'],
    ['whose last answer is empty', { messages: [user('a'), assistant('')] }, 'the last answer is an empty answer'],
    ['that is empty', { messages: [] }, 'column messages is empty'],
  ])('drops a chat %s', async (_, row, reason) => {
    expect((await read([{ messages: [user('a'), assistant('b')] }, row], 'single'))[1]).toEqual([reason]);
  });
});

describe('labelled, ranked, text and token rows', () => {
  it.each([
    ['messages with a label', { messages: [user('a'), assistant('b')], label: false }, 'undesirable'],
    ['alpaca with kto_tag', { instruction: 'a', output: 'b', kto_tag: true }, 'desirable'],
    ['prompt, completion, label', { prompt: 'a', completion: 'b', label: 1 }, 'desirable'],
    ['a label in words', { prompt: 'a', completion: 'b', label: 'bad' }, 'undesirable'],
  ])('%s', async (_, row, role) => {
    expect(shape((await readOne(row, 'labelled'))[0])).toMatchObject({
      messages: [user('a')],
      answers: [answer(role, 'b')],
    });
  });

  it('makes two labelled rows of a pair', async () => {
    const examples = await readOne({ prompt: 'a', chosen: 'b', rejected: 'c' }, 'labelled');
    expect(examples.map((each) => shape(each).answers)).toEqual([
      [answer('desirable', 'b')],
      [answer('undesirable', 'c')],
    ]);
  });

  it('refuses a label that is neither', async () => {
    const rows = [
      { prompt: 'a', completion: 'b', label: true },
      { prompt: 'a', completion: 'b', label: 'perhaps' },
    ];
    expect((await read(rows, 'labelled'))[1]).toEqual(['column label is "perhaps", neither true nor false']);
  });

  it('orders several answers by their scores, best first', async () => {
    const [example] = await readOne({ prompt: 'a', responses: ['x', 'y', 'z'], scores: [0.1, 3, 2] }, 'group');
    expect(shape(example).answers).toEqual([answer('response', 'y'), answer('response', 'z'), answer('response', 'x')]);
  });

  it('makes pairs of a ranking: each better answer with each worse one, the best first; equals are none', async () => {
    const row = { prompt: 'a', responses: ['x', 'y', 'z', 'w'], scores: [1, 3, 1, 0] };
    const pair = (better: string, worse: string) => [answer('chosen', better), answer('rejected', worse)];
    expect((await readOne(row, 'pair')).map((each) => shape(each).answers)).toEqual([
      pair('y', 'x'),
      pair('y', 'z'),
      pair('y', 'w'),
      pair('x', 'w'),
      pair('z', 'w'),
    ]);
    const many = { prompt: 'a', responses: ['1', '2', '3', '4', '5', '6'] };
    const pairs = await readOne(many, 'pair');
    expect(pairs).toHaveLength(10);
    expect(shape(pairs[9]).answers).toEqual(pair('3', '4'));
    expect(await readOne({ prompt: 'a', responses: ['x', 'y'], scores: [1, 1] }, 'pair')).toEqual([
      'column responses has no answer better than another',
    ]);
  });

  it('takes the best answer of a ranking for supervised training', async () => {
    const examples = await readOne({ prompt: 'a', responses: ['x', 'y'], scores: [1, 2] }, 'single');
    expect(examples.map((each) => shape(each).answers)).toEqual([[answer('response', 'y')]]);
  });

  it('ranks no answers of one score', async () => {
    const tied = { prompt: 'a', responses: ['x', 'y', 'z'], scores: [1, 3, 1] };
    expect(await readOne(tied, 'group')).toEqual([
      'column scores gives two answers the same score, so it does not rank them',
    ]);
    expect(await readOne(tied, 'any')).toHaveLength(1); // to be scored they need no order
  });

  it('reads running text', async () => {
    expect(await readOne({ text: 'abc' }, 'text')).toMatchObject([{ kind: 'text', text: 'abc' }]);
    expect((await read([{ text: 'abc' }, { text: ' ' }], 'text'))[1]).toEqual(['column text is empty']);
  });

  it('reads token ids, refusing what is none', async () => {
    const rows = [
      { promptIds: [1, 2], chosenIds: [3], rejectedIds: [4, 5] },
      { promptIds: [1, 2], chosenIds: [3.5], rejectedIds: [4] },
      { promptIds: [], chosenIds: [], rejectedIds: [4] },
    ];
    const [good, half, empty] = await read(rows, 'any');
    expect(good).toMatchObject([
      {
        kind: 'tokens',
        prompt: [1, 2],
        answers: [
          { role: 'chosen', ids: [3] },
          { role: 'rejected', ids: [4, 5] },
        ],
      },
    ]);
    expect(half).toEqual(['column chosenIds is not a list of token ids']);
    expect(empty).toEqual(['an answer has no token ids']);
  });

  it('reads token ids as labelled answers and as groups', async () => {
    const answers = async (row: unknown, wanted: WantedRows) =>
      (await readOne(row, wanted)).map((example) =>
        typeof example === 'string' ? example : 'answers' in example && example.answers,
      );
    const labelled = { promptIds: [1], responseIds: [2], label: false };
    const pair = { promptIds: [1], chosenIds: [2], rejectedIds: [3] };
    const [good, bad] = [[2], [3]];
    expect(await answers(labelled, 'labelled')).toEqual([[{ role: 'undesirable', ids: good }]]);
    expect(await answers(labelled, 'single')).toEqual(['the row of token ids holds nothing for single rows']);
    expect(await answers(pair, 'labelled')).toEqual([
      [{ role: 'desirable', ids: good }],
      [{ role: 'undesirable', ids: bad }],
    ]);
    expect(await answers(pair, 'single')).toEqual([[{ role: 'response', ids: good }]]);
    expect(await answers(pair, 'group')).toEqual([
      [
        { role: 'response', ids: good },
        { role: 'response', ids: bad },
      ],
    ]);
    expect(await answers({ promptIds: [1], responseIds: [2] }, 'labelled')).toEqual([
      'the row of token ids holds nothing for labelled rows',
    ]);
  });

  it('takes whatever a row is when any is wanted', async () => {
    const roles = async (row: unknown) => shape((await readOne(row, 'any'))[0]).answers.map(({ role }) => role);
    expect(await roles({ prompt: 'a', chosen: 'b', rejected: 'c' })).toEqual(['chosen', 'rejected']);
    expect(await roles({ prompt: 'a', completion: 'b' })).toEqual(['response']);
    expect(await roles({ prompt: 'a', completion: 'b', label: true })).toEqual(['desirable']);
  });
});

describe('columns and tags', () => {
  it('are taken as stated', async () => {
    const row = { q: 'Q', good: 'x', bad: 'y', w: '2.5', m: 0.25 };
    const columns = { prompt: 'q', chosen: 'good', rejected: 'bad', weight: 'w' };
    const [example] = await readOne(row, 'pair', { columns, extras: ['m'] });
    expect(example).toMatchObject({ weight: 2.5, extras: { m: 0.25 }, messages: [user('Q')] });
  });

  it('read other keys and role names of messages', async () => {
    const row = {
      talk: [
        { who: 'me', says: 'hi' },
        { who: 'it', says: 'ho' },
      ],
    };
    const given = {
      format: 'sharegpt',
      columns: { messages: 'talk' },
      tags: { role: 'who', content: 'says', user: 'me', assistant: 'it' },
    };
    expect(shape((await readOne(row, 'single', given))[0])).toMatchObject({
      messages: [user('hi')],
      answers: [answer('response', 'ho')],
    });
  });

  it('drops a row whose number is missing', async () => {
    const rows = [
      { prompt: 'a', chosen: 'b', rejected: 'c', m: 1 },
      { prompt: 'a', chosen: 'b', rejected: 'c', m: 'x' },
    ];
    expect((await read(rows, 'pair', { extras: ['m'] }))[1]).toEqual(['column m is not a number']);
  });

  it('says why no row of a file can be read, rather than that its columns are unknown', async () => {
    const path = write(folder, 'short.csv', 'prompt,response\nhello\nhello,one,more\n');
    const file: SourceFile = { path, format: null, columns: {}, tags: null, pieces: 'line' };
    const error = await errorOf(openSourceFile(file, builtInFormats, 'single', []));
    expect(error).toMatchObject({ code: 'LLMF_DATA_NO_ROW_READ', status: 1 });
    expect(error!.message).toMatch(/short\.csv[^]*2 rows; of the first one: 1 fields, but the header names 2 columns/);
  });

  it.each([
    ['an unknown format', { a: 1 }, { format: 'alpacca' }, 'single', 'LLMF_DATA_UNKNOWN_FORMAT', 'alpaca'],
    ['columns of no format', { a: 1, b: 2 }, {}, 'single', 'LLMF_DATA_FORMAT_UNDETECTED', 'columns: a, b'],
    [
      'a column that is not there',
      { prompt: 'a', completion: 'b' },
      { columns: { prompt: 'promt' } },
      'single',
      'LLMF_DATA_UNKNOWN_COLUMN',
      'prompt',
    ],
    [
      'a column that the format cannot use',
      { messages: [user('a'), assistant('b')] },
      { format: 'openai', columns: { query: 'messages' } },
      'single',
      'LLMF_DATA_COLUMN_UNUSED',
      'query',
    ],
    ['tags for rows without messages', { text: 'a' }, { tags: { role: 'r' } }, 'text', 'LLMF_DATA_TAGS_UNUSED', 'tags'],
    [
      'pairs wanted, supervised rows given',
      { prompt: 'a', completion: 'b' },
      {},
      'pair',
      'LLMF_DATA_WRONG_ROWS',
      'preference pairs',
    ],
    ['labels wanted, text given', { text: 'a' }, {}, 'labelled', 'LLMF_DATA_WRONG_ROWS', 'running text'],
    [
      'supervised rows wanted, labelled given',
      { prompt: 'a', completion: 'b', label: true },
      {},
      'single',
      'LLMF_DATA_WRONG_ROWS',
      'labelled',
    ],
  ] as const)('refuse %s', async (_, row, given, wanted, code, text) => {
    const error = await errorOf(read([row], wanted, given as Given));
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(text);
  });
});

describe('prompts', () => {
  const question = [user('Q?')];
  it.each([
    ['a prompt alone', { prompt: 'Q?', other: 1 }, question, true],
    ['messages without an answer', { messages: question }, question, false],
    [
      'a chat up to its last question',
      { messages: [user('a'), assistant('b'), user('Q?'), assistant('c')] },
      [user('a'), assistant('b'), user('Q?')],
      false,
    ],
    ['supervised rows', { prompt: 'Q?', completion: 'A.' }, question, true],
    ['alpaca without an output', { instruction: 'Q?', input: '' }, question, true],
    ['pairs', { prompt: 'Q?', chosen: 'good', rejected: 'bad' }, question, true],
    [
      'pairs of conversations',
      { chosen: [user('Q?'), assistant('good')], rejected: [user('Q?'), assistant('bad')] },
      question,
      false,
    ],
    ['labelled answers', { prompt: 'Q?', completion: 'A.', label: false }, question, true],
    ['running text', { text: 'Q?' }, question, true],
  ])('are %s', async (_, row, messages, isPlain) => {
    const [example] = await readOne(row, 'prompt');
    expect(shape(example)).toEqual({ messages, answers: [], isPlain });
  });

  it('are token ids', async () => {
    expect(await readOne({ promptIds: [1, 2] }, 'prompt')).toMatchObject([{ prompt: [1, 2], answers: [] }]);
    expect(await readOne({ promptIds: [1, 2], responseIds: [3] }, 'prompt')).toMatchObject([
      { prompt: [1, 2], answers: [] },
    ]);
  });

  it.each([
    ['without a question', { messages: [assistant('a')] }, 'the conversation holds no question'],
    ['that is empty', { prompt: '' }, 'column prompt is empty'],
  ])('drop a row %s', async (_, row, reason) => {
    expect(await readOne(row, 'prompt')).toEqual([reason]);
  });
});
