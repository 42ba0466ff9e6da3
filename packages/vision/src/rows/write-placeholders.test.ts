// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { writePlaceholders, type MediaExample } from './write-placeholders.js';

const [image, video] = ['image', 'video'].map((kind) => `<|vision_start|><|${kind}_pad|><|vision_end|>`) as [
  string,
  string,
];
const user = (content: string, media?: NonNullable<MediaExample['messages']>[number]['media']) => ({
  role: 'user',
  content,
  ...(media !== undefined && { media }),
});
const assistant = (content: string) => ({ role: 'assistant', content });
const picture = (value: string, kind = 'image') => ({ kind, value });
const own = (at: number, value: string, kind = 'image') => ({ kind, at, reference: picture(value, kind) });
const next = (at: number, kind = 'image') => ({ kind, at, reference: null });

/** Texts in their order, and names of the media in theirs. */
function written(example: Partial<MediaExample>) {
  const {
    system,
    messages = [],
    answers = [],
    text,
    media,
  } = writePlaceholders({ kind: 'chat', media: [], ...example });
  const turns = [
    ...(system === undefined ? [] : [system]),
    ...messages,
    ...answers.flatMap((answer) => answer.messages ?? []),
  ];
  return {
    texts: [...(text === undefined ? [] : [text]), ...turns.map(({ content }) => content)],
    media: media.map((each) => (each as { value?: string }).value),
  };
}
const chat = (
  question: ReturnType<typeof user>,
  answer: string,
  names: readonly string[],
  more: Partial<MediaExample> = {},
) =>
  written({
    messages: [question],
    answers: [{ messages: [assistant(answer)] }],
    media: names.map((name) => picture(name)),
    ...more,
  });

describe('placeholders in strings', () => {
  it('stand for the pictures of the column', () =>
    expect(chat(user('a <image> b <image>'), 'x', ['0', '1'])).toEqual({
      texts: [`a ${image} b ${image}`, 'x'],
      media: ['0', '1'],
    }));

  it('are text in an answer when the turns before it hold all pictures', () =>
    expect(chat(user('<image>Q'), '![3](<image>)', ['0']).texts).toEqual([`${image}Q`, '![3](<image>)']));

  it('are pictures in an answer when the turns before it hold too few', () =>
    expect(chat(user('<image>draw'), 'so: <image>', ['0', '1'])).toEqual({
      texts: [`${image}draw`, `so: ${image}`],
      media: ['0', '1'],
    }));

  it('are text where the row has none of that kind', () => {
    expect(chat(user('<image> is it <video>?'), 'x', ['0']).texts[0]).toBe(`${image} is it <video>?`);
    expect(chat(user('the <image> tag'), 'x', []).texts[0]).toBe('the <image> tag');
  });

  it('are missing pictures where the row has a column for them with nothing in it', () =>
    expect(chat(user('<image>Q'), 'the <image> tag', [], { emptyMedia: ['image'] })).toEqual({
      texts: [`${image}Q`, 'the <image> tag'],
      media: [],
    }));

  it('are found in the system turn, before the user’s', () =>
    expect(chat(user('<image>Q'), 'x', ['0', '1'], { system: { role: 'system', content: 'See <image>' } })).toEqual({
      texts: [`See ${image}`, `${image}Q`, 'x'],
      media: ['0', '1'],
    }));

  it('may be the checkpoint’s own tokens', () =>
    expect(chat(user(`${image}Q <image>`), 'x', ['0', '1']).texts[0]).toBe(`${image}Q ${image}`));

  it('may be of both kinds, each in its own order', () =>
    expect(
      written({
        messages: [user('<video><image><video>')],
        media: [picture('i'), picture('v', 'video'), picture('w', 'video')],
      }),
    ).toEqual({
      texts: [`${video}${image}${video}`],
      media: ['v', 'i', 'w'],
    }));

  it('are written before the first user turn where there is none at all', () =>
    expect(chat(user('Q'), 'x', ['0', '1']).texts[0]).toBe(`${image}${image}Q`));

  it('of running text are written too', () =>
    expect(written({ text: 'a <image>', media: [picture('0')] })).toEqual({ texts: [`a ${image}`], media: ['0'] }));

  it('leave what has no place at the end, so that the counts differ', () =>
    expect(chat(user('<image>Q'), 'x', ['0', '1']).media).toEqual(['0', '1']));
});

describe('pictures as parts', () => {
  it('bring their own reference, and leave <image> in the text as text', () =>
    expect(chat(user('<image>Use the <image> tag', [own(0, 'own')]), '![3](<image>)', [])).toEqual({
      texts: [`${image}Use the <image> tag`, '![3](<image>)'],
      media: ['own'],
    }));

  it('take the next of the column, or the stated one', () => {
    expect(chat(user('<image>Q<image>', [next(0), next(8)]), 'x', ['0', '1']).media).toEqual(['0', '1']);
    expect(
      chat(
        user('<image>Q<image>', [
          { ...next(0), index: 1 },
          { ...next(8), index: 0 },
        ]),
        'x',
        ['0', '1'],
      ).media,
    ).toEqual(['1', '0']);
  });

  it('mix with strings of other turns, in the order of the chat', () =>
    expect(
      written({
        messages: [user('<image>one'), user('<image>two', [own(0, 'own')]), user('<image>three')],
        media: [picture('0'), picture('1')],
      }).media,
    ).toEqual(['0', 'own', '1']));

  it('come first where a column has pictures and the parts are text alone', () =>
    expect(chat(user('Q', []), 'x', ['0', '1'])).toEqual({ texts: [`${image}${image}Q`, 'x'], media: ['0', '1'] }));

  it('of sounds stay as they are', () =>
    expect(chat(user('<audio>Q', [own(0, 's', 'audio')]), 'x', [])).toEqual({
      texts: ['<audio>Q', 'x'],
      media: ['s'],
    }));
});

it('token ids stay as they are', () => {
  const example = { kind: 'tokens', media: [picture('0')] };
  expect(writePlaceholders(example)).toBe(example);
});
