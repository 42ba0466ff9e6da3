// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { OtherValue, RowProblem } from '../readers/row-reader.js';
import { Cells } from './cells.js';
import { openai } from './conversation.js';
import { openaiTags } from './instruction.js';
import type { ChatExample } from './example.js';
import { preference } from './preference.js';

const folder = '/data';
const map = (format: typeof openai) => ({
  columns: Object.fromEntries(Object.entries(format.columns).map(([role, names]) => [role, names[0] ?? role])),
  tags: openaiTags,
  extras: [],
  folder,
});
const read = (row: Record<string, unknown>, format = openai): ChatExample =>
  format.read(new Cells(row, map(format)), format === openai ? 'single' : 'pair')[0] as ChatExample;
const asked = (content: unknown, more: Record<string, unknown> = {}) =>
  read({
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: 'a' },
    ],
    ...more,
  });
const problem = (work: () => unknown) => {
  try {
    work();
    return 'it was read';
  } catch (error) {
    if (error instanceof RowProblem) return error.message;
    throw error;
  }
};
const reference = (value: unknown, kind = 'image') => ({ kind, value, folder });

describe('a content part that is a picture', () => {
  it.each([
    ['a typed path', { type: 'image', image: 'a.png' }, 'a.png'],
    ['Qwen’s form without a type', { image: 'a.png' }, 'a.png'],
    ['OpenAI’s URL', { type: 'image_url', image_url: { url: 'https://x/a.png', detail: 'low' } }, 'https://x/a.png'],
    ['OpenAI’s newer input', { type: 'input_image', image_url: 'https://x/a.png' }, 'https://x/a.png'],
    ['a path', { type: 'image', path: 'a.png' }, 'a.png'],
    ['bytes with their path', { type: 'image', image: { bytes: 'x', path: null } }, { bytes: 'x', path: null }],
    [
      'with what else is said of it, for its modality',
      { type: 'image', image: 'a.png', max_pixels: 784, min_pixels: null },
      { image: 'a.png', max_pixels: 784 },
    ],
    [
      'Anthropic’s source',
      { type: 'image', source: { type: 'base64', data: 'eA==' } },
      { source: { type: 'base64', data: 'eA==' } },
    ],
  ])('%s', (_, part, value) => {
    const [turn] = asked([{ type: 'text', text: 'See ' }, part, 'Q']).messages;
    const own = (turn!.media![0]!.reference as { value: unknown } | null)?.value;
    expect(turn!.content).toBe('See <image>Q');
    expect([turn!.media![0]!.at, own]).toEqual([4, value]);
  });

  it('may lie in the row’s column, at a stated place', () => {
    const example = asked([{ type: 'image', text: null, index: 1 }, { type: 'image' }], { images: ['0.png', '1.png'] });
    expect(example.messages[0]!.media).toEqual([
      { kind: 'image', at: 0, reference: null, index: 1 },
      { kind: 'image', at: 7, reference: null },
    ]);
    expect(example.media).toEqual([reference('0.png'), reference('1.png')]);
  });

  it('is found in a system turn, and in the rejected answer of an implied prompt', () => {
    const picture = (name: string) => [{ type: 'image', image: name }];
    const system = { role: 'system', content: picture('s.png') };
    const messages = [system, { role: 'user', content: 'q' }, { role: 'assistant', content: 'a' }];
    expect(read({ messages }).system!.media![0]!.reference).toEqual(reference('s.png'));
    const answered = (name: string) => [
      system,
      { role: 'user', content: 'q' },
      { role: 'assistant', content: picture(name) },
    ];
    const pair = read({ chosen: answered('1.png'), rejected: answered('2.png') }, preference);
    expect(pair.answers.map(({ messages: [turn] }) => turn!.media![0]!.reference)).toEqual(
      ['1.png', '2.png'].map((name) => reference(name)),
    );
    expect([pair.system!.content, pair.messages.length]).toEqual(['<image>', 1]);
  });

  it('tells pairs apart whose answers differ by their picture alone', () => {
    const answered = (bytes: number[]) => [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: [{ type: 'image', image: Uint8Array.from(bytes) }] },
    ];
    expect(problem(() => read({ chosen: answered([1]), rejected: answered([1]) }, preference))).toBe(
      'chosen equals rejected',
    );
    expect(read({ chosen: answered([1]), rejected: answered([2]) }, preference).answers).toHaveLength(2);
  });
});

describe('a column of pictures', () => {
  const media = (images: unknown) => asked('q', { images }).media;
  it.each([
    ['a list', ['a.png', 'b.png'], ['a.png', 'b.png']],
    ['a list as JSON, as CSV holds it', '["a.png", "b.png"]', ['a.png', 'b.png']],
    ['one path', 'a.png', ['a.png']],
    ['one object as JSON', '{"path": "a.png"}', [{ path: 'a.png' }]],
    ['bytes', Uint8Array.from([1]), [Uint8Array.from([1])]],
    ['nothing', '', []],
    ['null', null, []],
  ])('is %s', (_, value, values) => expect(media(value)).toEqual(values.map((each) => reference(each))));

  it('says that it is there and empty', () => {
    expect(asked('<image>', { images: [] }).emptyMedia).toEqual(['image']);
    expect(asked('<image>', { images: ['a.png'] }).emptyMedia).toBeUndefined();
    expect(asked('<image>').emptyMedia).toBeUndefined();
  });

  it('is no Python list', () => expect(problem(() => media("['a.png', 'b.png']"))).toContain('as Python prints it'));
});

describe('what nothing reads', () => {
  it.each([
    ['a field of a text part', [{ type: 'text', text: 'q', loss: 0 }], 'has the field "loss", which nothing reads'],
    ['a time', new OtherValue('a date with a time (2024-01-02T03:04:05.000Z)'), 'holds a date with a time (2024'],
    ['bytes that are no text', Uint8Array.from([0xff]), 'is binary (1 bytes), not a string'],
  ])('%s is said', (_, content, text) => expect(problem(() => asked(content))).toContain(text));

  it('text in bytes of an older writer is text', () =>
    expect(asked(new Uint8Array(Buffer.from('ja'))).messages[0]!.content).toBe('ja'));
});
