// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EncodedRow, StandardRowKind } from '@llmf/training';
import type { LlmfError } from '@llmf/core';
import { fakeRun, type FakeRun } from '../test/fake-run.js';
import { byteTokenizer, chatmlTokenizer, temporaryFolder, write } from '../test/tiny-tokenizers.js';
import { dataService, ExampleTransformToken, DataFormatToken, type DataFormat } from './index.js';
import { openData, type OpenedData } from './service.js';
import { Tokenizer } from './tokenizer.js';

const model = chatmlTokenizer();
const tokenizer = await Tokenizer.load(model);
const pairs = Array.from({ length: 20 }, (_, at) => ({
  prompt: `Question ${at}?`,
  chosen: `good ${at}`,
  rejected: `bad ${at}`,
  margin: at / 4,
}));
const chats = Array.from({ length: 12 }, (_, at) => ({
  messages: [
    { role: 'user', content: `u${at}` },
    { role: 'assistant', content: `a${at}` },
  ],
}));

function project(): string {
  const folder = temporaryFolder();
  write(folder, 'pairs.json', pairs);
  write(folder, 'chats.jsonl', chats.map((chat) => JSON.stringify(chat)).join('\n'));
  write(folder, 'text.txt', 'first line\n\nsecond line\nthird line\n');
  return folder;
}

interface Opened extends OpenedData {
  readonly run: FakeRun;
  readonly rows: EncodedRow[];
}

async function open(
  folder: string,
  section: Record<string, unknown>,
  rows: StandardRowKind = 'pair',
  columns?: string[],
): Promise<Opened> {
  const run = fakeRun(folder, section, model);
  const data = await openData(run, { rows, ...(columns !== undefined && { columns }) });
  const all = await data.train.rows(Array.from({ length: data.train.length }, (_, at) => at));
  return { ...data, run, rows: all };
}

const close = async ({ train, eval: evaluation }: OpenedData) =>
  void (await Promise.all([train.close(), evaluation?.close()]));
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: LlmfError) => error,
  );
const promptOf = (row: EncodedRow) => tokenizer.decode(row.prompt, { skipSpecialTokens: true });
const cacheOf = (folder: string) => readdirSync(join(folder, '.llmf-cache/data'));

describe('a run that would not learn to stop', () => {
  const stopless = '{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}';

  it('is told so once, by the tokens that end an answer', async () => {
    const folder = project();
    write(folder, 'stopless.jinja', stopless);
    const opened = await open(folder, { train: [{ path: 'chats.jsonl' }], template: 'stopless.jinja' }, 'single');
    expect(opened.run.lines.filter((line) => line.includes('learn to stop'))).toEqual([
      expect.stringMatching(/none of the first 12 rows learns a token that ends an answer \(.*<\|im_end\|>.*\)/),
    ]);
    await close(opened);
  });

  it.each([
    ['chats of a template with ends', { train: [{ path: 'chats.jsonl' }] }, 'single'],
    ['pairs', { train: [{ path: 'pairs.json' }] }, 'pair'],
    ['rows that no template touches', { train: [{ path: 'pairs.json' }], template: 'none' }, 'pair'],
    ['texts', { train: [{ path: 'text.txt' }] }, 'text'],
  ] as const)('is not %s', async (_, section, rows) => {
    const opened = await open(project(), section as never, rows);
    expect(opened.run.lines.filter((line) => line.includes('learn to stop'))).toEqual([]);
    await close(opened);
  });
});

describe('openData', () => {
  it('gives every row of a file in order, with index, roles and columns asked for', async () => {
    const opened = await open(project(), { train: [{ path: 'pairs.json' }] }, 'pair', ['margin']);
    expect(opened.rows).toHaveLength(20);
    expect(opened.eval).toBeNull();
    expect(opened.rows[7]).toMatchObject({
      index: 7,
      weight: 1,
      extras: { margin: 1.75 },
      responses: [{ role: 'chosen' }, { role: 'rejected' }],
    });
    expect(promptOf(opened.rows[7]!)).toBe('user\nQuestion 7?\nassistant\n');
    expect(tokenizer.decode(opened.rows[7]!.responses[1]!.ids)).toBe('bad 7<|im_end|>');
    const { prompt, responses } = opened.rows[7]!;
    expect(opened.train.tokensOf(7)).toBe(prompt.length + responses[0]!.ids.length + responses[1]!.ids.length);
    expect(opened.train.longestOf(7)).toBe(prompt.length + responses[0]!.ids.length);
    expect(opened.train.placeOf(7)).toEqual({ source: 'pairs.json', row: 8 });
    expect(opened.run.record['data']).toEqual({
      train: { rows: 20, fingerprint: opened.train.fingerprint },
      eval: null,
    });
    await close(opened);
  });

  it('keeps tokens in the cache: found again, and rebuilt when they are damaged', async () => {
    const folder = project();
    const section = { train: [{ path: 'pairs.json' }] };
    const first = await open(folder, section);
    const [place] = cacheOf(folder);
    const stamp = () => readFileSync(join(folder, '.llmf-cache/data', place!, 'facts.json'), 'utf8');
    const facts = stamp();
    const second = await open(folder, section);
    expect(second.rows).toEqual(first.rows);
    expect(second.train.fingerprint).toBe(first.train.fingerprint);
    writeFileSync(join(folder, '.llmf-cache/data', place!, 'rows.bin'), 'damaged');
    const third = await open(folder, section);
    expect(third.rows).toEqual(first.rows);
    expect([cacheOf(folder), stamp()]).toEqual([[place], facts]);
    await Promise.all([first, second, third].map(close));
  });

  it('has the same fingerprint and rows where the project was moved', async () => {
    const folder = project();
    const section = { train: [{ path: 'pairs.json' }] };
    const before = await open(folder, section);
    await close(before);
    const moved = `${folder}-moved`;
    renameSync(folder, moved);
    const after = await open(moved, section);
    await close(after);
    renameSync(moved, folder);
    expect(after.train.fingerprint).toBe(before.train.fingerprint);
    expect(after.rows).toEqual(before.rows);
  });

  it('leaves nothing behind with cache off', async () => {
    const folder = project();
    const opened = await open(folder, { train: [{ path: 'pairs.json' }], cache: 'off' });
    expect(opened.rows).toHaveLength(20);
    await close(opened);
    expect(existsSync(join(folder, '.llmf-cache'))).toBe(false);
  });

  it.each([
    ['maxLength', { maxLength: 35 }],
    ['truncation', { maxLength: 35, truncation: 'proportional' }],
    ['template', { template: 'plain' }],
    ['systemPrompt', { systemPrompt: 'Be kind.' }],
    ['samples', { train: [{ path: 'pairs.json', samples: 5 }] }],
    ['maxSamples', { maxSamples: 5 }],
    ['tokenizer', { tokenizer: byteTokenizer() }],
    ['columns', { train: [{ path: 'pairs.json', columns: { chosen: 'rejected', rejected: 'chosen' } }] }],
    ['columns.weight', { train: [{ path: 'pairs.json', columns: { weight: 'margin' } }] }],
  ])('changes its fingerprint with %s', async (_, change) => {
    const folder = project();
    const one = await open(folder, { train: [{ path: 'pairs.json' }] });
    const other = await open(folder, { train: [{ path: 'pairs.json' }], ...change });
    expect(other.train.fingerprint).not.toBe(one.train.fingerprint);
    expect(other.rows).not.toEqual(one.rows);
    await Promise.all([one, other].map(close));
  });

  it('changes its fingerprint with the text, not with shuffle, seed or promptOnce', async () => {
    const folder = project();
    const one = await open(folder, { train: [{ path: 'pairs.json' }] });
    const same = await open(folder, { train: [{ path: 'pairs.json' }], shuffle: false, promptOnce: false });
    expect(same.train.fingerprint).toBe(one.train.fingerprint);
    write(folder, 'pairs.json', pairs.with(3, { ...pairs[3]!, chosen: 'better' }));
    const changed = await open(folder, { train: [{ path: 'pairs.json' }] });
    expect(changed.train.fingerprint).not.toBe(one.train.fingerprint);
    await Promise.all([one, same, changed].map(close));
  });

  it('reports every dropped and truncated row with source, number and reason', async () => {
    const folder = project();
    const rows: unknown[] = [
      ...pairs.slice(0, 3),
      { ...pairs[3], chosen: null },
      { ...pairs[4], rejected: pairs[4]!.chosen },
      'x',
      { ...pairs[6], chosen: 'g'.repeat(99) },
    ];
    write(folder, 'some.json', rows);
    const opened = await open(folder, { train: [{ path: 'some.json' }], maxLength: 60 });
    expect(opened.rows).toHaveLength(4);
    await dataService.report(opened.run, opened);
    const report = readFileSync(join(folder, 'out/data-report.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const entry = (row: number, action: string, reason: string) => ({
      split: 'train',
      source: 'some.json',
      row,
      action,
      reason,
    });
    expect(report).toEqual([
      entry(4, 'dropped', 'column chosen is missing or null'),
      entry(5, 'dropped', 'chosen equals rejected'),
      entry(6, 'dropped', 'the row is a string, not an object'),
      entry(7, 'truncated', expect.stringMatching(/^\d+ tokens cut to 60 \(keepStart\)$/) as unknown as string),
    ]);
    expect(opened.train.dropped).toHaveLength(4);
    expect(opened.run.lines.at(-1)).toContain('3 rows dropped, 1 truncated');
    // The report is the same when the tokens come from the cache.
    const again = await open(folder, { train: [{ path: 'some.json' }], maxLength: 60 });
    expect(again.train.dropped).toEqual(opened.train.dropped);
    await Promise.all([opened, again].map(close));
  });

  it('holds out the same rows whatever the seed, none of them left in training', async () => {
    const folder = project();
    const section = { train: [{ path: 'pairs.json' }], eval: { split: 0.25 } };
    const run = (seed: number) => openData(fakeRun(folder, section, model, seed), { rows: 'pair' });
    const [one, other] = [await run(1), await run(2)];
    const prompts = async (split: OpenedData['train']) =>
      (await split.rows(Array.from({ length: split.length }, (_, at) => at))).map(promptOf);
    const [train, held] = [await prompts(one.train), await prompts(one.eval!)];
    expect([train.length, held.length]).toEqual([15, 5]);
    expect(new Set([...train, ...held]).size).toBe(20);
    expect(await prompts(other.eval!)).toEqual(held);
    expect((await one.eval!.rows([3]))[0]!.index).toBe(3);
    await Promise.all([one, other].map(close));
  });

  it('takes a number of rows, files, or at most so many rows for evaluation', async () => {
    const folder = project();
    write(folder, 'held.json', pairs.slice(0, 6));
    const sizes = async (section: Record<string, unknown>) => {
      const opened = await open(folder, { train: [{ path: 'pairs.json' }], ...section });
      await close(opened);
      return [opened.train.length, opened.eval?.length];
    };
    expect(await sizes({ eval: { split: 3 } })).toEqual([17, 3]);
    expect(await sizes({ eval: { split: 8 }, maxEvalSamples: 5 })).toEqual([12, 5]);
    expect(await sizes({ eval: [{ path: 'held.json' }] })).toEqual([20, 6]);
    expect(await sizes({ eval: [{ path: 'held.json' }], maxEvalSamples: 2 })).toEqual([20, 2]);
  });

  it('joins entries and files, or mixes them by weight', async () => {
    const folder = project();
    write(folder, 'more/a.json', pairs.slice(0, 4));
    write(folder, 'more/b.jsonl', JSON.stringify(pairs[5]));
    const train = [{ path: 'pairs.json' }, { path: 'more' }];
    const joined = await open(folder, { train });
    expect(joined.rows.map(promptOf).slice(18)).toEqual(
      [18, 19, 0, 1, 2, 3, 5].map((at) => `user\nQuestion ${at}?\nassistant\n`),
    );
    const mixed = await open(folder, {
      train: [
        { ...train[0], weight: 1 },
        { ...train[1], weight: 3 },
      ],
      mixture: 'interleaveUnder',
    });
    expect(mixed.train.length).toBeLessThan(25);
    const over = await open(folder, { train, mixture: 'interleaveOver' });
    expect(over.train.length).toBeGreaterThan(25);
    await Promise.all([joined, mixed, over].map(close));
  });

  it('repeats rows when more samples are asked for than there are', async () => {
    const opened = await open(project(), { train: [{ path: 'pairs.json', samples: 50 }] });
    expect(opened.rows).toHaveLength(50);
    expect(new Set(opened.rows.map(promptOf)).size).toBe(20);
    await close(opened);
  });

  it('serves supervised, labelled, group and text stages', async () => {
    const folder = project();
    const single = await open(folder, { train: [{ path: 'chats.jsonl' }] }, 'single');
    expect(single.rows).toHaveLength(12);
    const chosen = await open(folder, { train: [{ path: 'pairs.json' }] }, 'single');
    expect(chosen.run.lines[0]).toContain('their chosen answers are learned');
    const labelled = await open(folder, { train: [{ path: 'pairs.json' }] }, 'labelled');
    expect(labelled.rows.map(({ responses }) => responses[0]!.role).slice(0, 2)).toEqual(['desirable', 'undesirable']);
    expect(labelled.rows).toHaveLength(40);
    const group = await open(folder, { train: [{ path: 'pairs.json' }] }, 'group');
    expect(group.rows[0]!.responses.map(({ role }) => role)).toEqual(['response', 'response']);
    const lines = await open(folder, { train: [{ path: 'text.txt' }] }, 'text');
    expect(lines.rows.map(({ responses }) => tokenizer.decode(responses[0]!.ids))).toEqual([
      'first line<|im_end|>',
      'second line<|im_end|>',
      'third line<|im_end|>',
    ]);
    const paragraphs = await open(folder, { train: [{ path: 'text.txt', pieces: 'paragraph' }] }, 'text');
    expect(paragraphs.rows).toHaveLength(2);
    const written = await open(folder, { train: [{ path: 'chats.jsonl' }] }, 'text');
    expect(tokenizer.decode(written.rows[0]!.responses[0]!.ids)).toContain('<|im_start|>assistant\na0<|im_end|>');
    await Promise.all([single, chosen, labelled, group, lines, paragraphs, written].map(close));
  });

  it('applies trainOnPrompt and maskHistory', async () => {
    const folder = project();
    const all = await open(folder, { train: [{ path: 'chats.jsonl' }], trainOnPrompt: true }, 'single');
    expect(all.rows[0]!.prompt).toHaveLength(0);
    write(folder, 'long.json', [{ messages: [...chats[0]!.messages, ...chats[1]!.messages] }]);
    const counted = async (maskHistory: boolean) => {
      const opened = await open(folder, { train: [{ path: 'long.json' }], maskHistory }, 'single');
      await close(opened);
      return opened.rows[0]!.responses[0]!.counted.reduce((sum, flag) => sum + flag, 0);
    };
    // "a0" and "a1" with their end-of-turn tokens: 3 each.
    expect([await counted(false), await counted(true)]).toEqual([6, 3]);
    await close(all);
  });

  it('reads rows of token ids without a tokenizer, and refuses ids that the model does not have', async () => {
    const folder = temporaryFolder();
    write(folder, 'model/config.json', { vocab_size: 100 });
    write(folder, 'ids.jsonl', '{"promptIds": [1, 2], "chosenIds": [3], "rejectedIds": [4, 99]}');
    const run = fakeRun(folder, { train: [{ path: 'ids.jsonl' }] }, 'model');
    const data = await openData(run, { rows: 'pair' });
    expect([...(await data.train.rows([0]))[0]!.responses[1]!.ids]).toEqual([4, 99]);
    await data.train.close();
    write(
      folder,
      'ids.jsonl',
      '{"promptIds": [1, 2], "chosenIds": [3], "rejectedIds": [4, 99]}\n{"promptIds": [1], "chosenIds": [100], "rejectedIds": [4]}',
    );
    const error = await errorOf(openData(run, { rows: 'pair' }));
    expect(error?.code).toBe('LLMF_DATA_ID_OUT_OF_RANGE');
    expect(error?.detail.what).toMatch(/^Row 2 of .*ids\.jsonl holds token id 100/);
    expect(
      (await errorOf(openData(fakeRun(project(), { train: [{ path: 'pairs.json' }] }, 'nowhere'), { rows: 'pair' })))
        ?.code,
    ).toBe('LLMF_DATA_TOKENIZER_MISSING');
  });

  it('lets plugins add formats and change examples', async () => {
    const folder = project();
    write(folder, 'odd.json', [{ ask: 'Q', reply: 'A <image>' }]);
    const odd: DataFormat = {
      name: 'odd',
      columns: { prompt: ['ask'], response: ['reply'] },
      recognisedBy: [['prompt', 'response']],
      read: (cells) => [
        {
          kind: 'chat',
          messages: [{ role: 'user', content: cells.text('prompt') }],
          answers: [{ role: 'response', messages: [{ role: 'assistant', content: cells.text('response') }] }],
          isPlain: false,
          weight: 1,
          extras: {},
          media: [],
        },
      ],
    };
    const run = fakeRun(folder, { train: [{ path: 'odd.json' }] }, model);
    run.container.register(DataFormatToken, odd);
    run.container.register(ExampleTransformToken, {
      name: 'picture',
      version: '1',
      apply: (example) => JSON.parse(JSON.stringify(example).replaceAll('<image>', '<|end|>')) as typeof example,
    });
    const data = await openData(run, { rows: 'single' });
    expect(tokenizer.decode((await data.train.rows([0]))[0]!.responses[0]!.ids)).toBe('A <|end|><|im_end|>');
    await data.train.close();
  });
});

describe('what cannot be opened', () => {
  it.each([
    [
      'no usable row',
      { train: [{ path: 'bad.json' }] },
      'pair',
      'LLMF_DATA_NO_ROWS',
      'chosen equals rejected (2 rows)',
    ],
    [
      'a stated column that no row has',
      { train: [{ path: 'pairs.json', columns: { system: 'sytem' } }] },
      'pair',
      'LLMF_DATA_UNKNOWN_COLUMN',
      'sytem',
    ],
    [
      'a column that a loss wants and no row has',
      { train: [{ path: 'chats.jsonl' }] },
      'single',
      'LLMF_DATA_UNKNOWN_COLUMN',
      'margin',
    ],
    [
      'a split that leaves nothing to train on',
      { train: [{ path: 'pairs.json' }], eval: { split: 20 } },
      'pair',
      'LLMF_DATA_SPLIT_TOO_LARGE',
      '20 of 20',
    ],
    [
      'a split of no row',
      { train: [{ path: 'pairs.json' }], eval: { split: 0.01 } },
      'pair',
      'LLMF_DATA_SPLIT_TOO_LARGE',
      '0.01',
    ],
    [
      'trainOnPrompt for pairs',
      { train: [{ path: 'pairs.json' }], trainOnPrompt: true },
      'pair',
      'LLMF_DATA_OPTION_UNFIT',
      'supervised rows',
    ],
    [
      'maskHistory for text',
      { train: [{ path: 'text.txt' }], maskHistory: true },
      'text',
      'LLMF_DATA_OPTION_UNFIT',
      'supervised chats',
    ],
    [
      'both masks',
      { train: [{ path: 'chats.jsonl' }], maskHistory: true, trainOnPrompt: true },
      'single',
      'LLMF_DATA_OPTION_UNFIT',
      'Remove one',
    ],
    [
      'a weight without a mixture',
      { train: [{ path: 'pairs.json', weight: 2 }] },
      'pair',
      'LLMF_DATA_OPTION_UNFIT',
      'interleave',
    ],
    [
      'a weight in eval',
      { train: [{ path: 'pairs.json' }], eval: [{ path: 'pairs.json', weight: 2 }] },
      'pair',
      'LLMF_DATA_OPTION_UNFIT',
      'eval[].weight',
    ],
    [
      'a system prompt without a template',
      { train: [{ path: 'pairs.json' }], template: 'none', systemPrompt: 'x' },
      'pair',
      'LLMF_DATA_OPTION_UNFIT',
      'systemPrompt',
    ],
    [
      'a template that does not fit',
      { train: [{ path: 'pairs.json' }], template: 'llama3' },
      'pair',
      'LLMF_DATA_TEMPLATE_MISMATCH',
      '<|eot_id|>',
    ],
    ['broken JSON', { train: [{ path: 'broken.json' }] }, 'pair', 'LLMF_DATA_BROKEN_JSON', 'broken.json:2:3'],
    [
      'a cache that is a file',
      { train: [{ path: 'pairs.json' }], cache: 'text.txt' },
      'pair',
      'LLMF_DATA_CACHE_WRITE',
      'text.txt',
    ],
  ] as const)('%s', async (_, section, rows, code, text) => {
    const folder = project();
    write(folder, 'bad.json', [
      { prompt: 'a', chosen: 'b', rejected: 'b' },
      { prompt: 'a', chosen: 'c', rejected: 'c' },
    ]);
    write(folder, 'broken.json', '[\n  oops]');
    const error = await errorOf(open(folder, section, rows, text === 'margin' ? ['margin'] : undefined));
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(text);
    // Nothing half-made stays in the cache.
    if (existsSync(join(folder, '.llmf-cache/data')))
      expect(cacheOf(folder).filter((name) => name.includes('tmp'))).toEqual([]);
  });
});

describe('dataService', () => {
  it('samples by the run’s seed and packs by promptOnce', async () => {
    const folder = project();
    const run = fakeRun(folder, { train: [{ path: 'pairs.json' }], promptOnce: false }, model);
    const { train } = await dataService.open(run, { rows: 'pair' });
    const sampler = dataService.sampler(run, { rows: train, rowsPerStep: 8 });
    expect(sampler.stepsPerEpoch).toBe(3);
    const batch = dataService.collate(run, await train.rows([...sampler.indices(1)]));
    expect([batch.groups, batch.segments.length]).toEqual([8, 16]);
    const shared = fakeRun(folder, { train: [{ path: 'pairs.json' }], shuffle: false }, model);
    expect(dataService.sampler(shared, { rows: train, rowsPerStep: 8 }).indices(1)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(dataService.collate(shared, await train.rows([0])).segments).toHaveLength(3);
    await train.close();
  });
});

describe('prompt rows', () => {
  const questions = [
    { prompt: 'One?', label: 'x', big: 3 },
    { prompt: [{ role: 'user', content: 'Two?' }], system: 'Be brief.', label: null },
  ];
  const open2 = async (rows: readonly unknown[], section: Record<string, unknown> = {}) => {
    const folder = temporaryFolder();
    write(folder, 'prompts.json', rows);
    return open(folder, { train: [{ path: 'prompts.json' }], shuffle: false, ...section }, 'prompt');
  };

  it('end where an answer begins, and keep their own columns and turns', async () => {
    const opened = await open2(questions);
    expect(opened.rows.map(({ responses }) => responses)).toEqual([[], []]);
    expect(tokenizer.decode(opened.rows[1]!.prompt)).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nTwo?<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(opened.train.source(0)).toEqual({
      columns: questions[0],
      chat: { messages: [{ role: 'user', content: 'One?' }], isPlain: true },
    });
    expect(opened.train.source(1).chat).toMatchObject({ system: 'Be brief.', isPlain: false });
    expect(opened.run.lines.join('\n')).not.toContain('will not learn to stop');
    await close(opened);
  });

  it('have the ids that a supervised row has before its answer', async () => {
    const supervised = await open2([{ prompt: 'One?', completion: 'A.' }]);
    const folder = temporaryFolder();
    write(folder, 'rows.json', [{ prompt: 'One?', completion: 'A.' }]);
    const learned = await open(folder, { train: [{ path: 'rows.json' }] }, 'single');
    expect([...supervised.rows[0]!.prompt]).toEqual([...learned.rows[0]!.prompt]);
    expect(() => learned.train.source(0)).toThrow('LLMF_DATA_SOURCE_NOT_KEPT');
    await close(supervised);
    await close(learned);
  });

  it('that are too long are dropped and told; keepEnd keeps their end', async () => {
    const rows = [{ prompt: 'short' }, { prompt: 'long '.repeat(40) }];
    const dropped = await open2(rows, { maxLength: 64 });
    expect(dropped.rows).toHaveLength(1);
    expect(dropped.train.dropped).toMatchObject([
      { row: 2, action: 'dropped', reason: expect.stringContaining('keepEnd') },
    ]);
    const cut = await open2(rows, { maxLength: 64, truncation: 'keepEnd' });
    expect(cut.rows[1]!.prompt).toHaveLength(64);
    expect(tokenizer.decode(cut.rows[1]!.prompt)).toMatch(/assistant\n$/);
    await close(dropped);
    await close(cut);
  });

  it('are found again in the cache with their columns', async () => {
    const folder = temporaryFolder();
    write(folder, 'prompts.json', questions);
    for (const _ of ['first', 'again']) {
      const opened = await open(folder, { train: [{ path: 'prompts.json' }] }, 'prompt');
      expect(opened.train.source(0).columns).toMatchObject({ label: 'x' });
      await close(opened);
    }
  });

  it('read as text', async () => {
    const folder = temporaryFolder();
    write(folder, 'prompts.json', questions);
    const text = await dataService.text(fakeRun(folder, { train: [{ path: 'prompts.json' }] }, model));
    expect(text!.decode(tokenizer.encode('<|im_start|>hi<|im_end|>'))).toBe('hi');
    expect(text!.decode(tokenizer.encode('hi<|im_end|>'), { specialTokens: true })).toBe('hi<|im_end|>');
    expect(text!.endIds).toEqual([tokenizer.tokenId('<|im_end|>')]);
  });
});
