// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { byteTokenizer, chatmlTokenizer, llamaTokenizer } from '../../test/tiny-tokenizers.js';
import type { ChatExample, Message } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import { chooseTemplate } from '../templates/choose.js';
import { Tokenizer } from '../tokenizer.js';
import { longestLength } from './encoded-parts.js';
import { Encoder } from './encoder.js';
import type { EncodingOptions } from './encoding.js';

const defaults: EncodingOptions = {
  systemPrompt: null,
  maxLength: null,
  truncation: 'keepStart',
  trainOnPrompt: false,
  maskHistory: false,
  leavesMedia: false,
  asText: false,
};
const common = { weight: 1, extras: {}, media: [] };
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

async function setUp(folder: string, template: string, options: Partial<EncodingOptions> = {}) {
  const tokenizer = await Tokenizer.load(folder);
  const encoder = new Encoder(tokenizer, await chooseTemplate(template, tokenizer, '/'), { ...defaults, ...options });
  const encode = (example: Partial<ChatExample>) => {
    const whole: ChatExample = { kind: 'chat', messages: [], answers: [], isPlain: false, ...common, ...example };
    return encoder.encode(whole).rows[0]!;
  };
  /** Text of the counted tokens in «», of the others outside. */
  const marked = (row: ReturnType<typeof encode>, answer = 0) => {
    const { ids, counted } = row.responses[answer]!;
    let text = '';
    for (let start = 0; start < ids.length;) {
      let end = start;
      while (end < ids.length && counted[end] === counted[start]) end++;
      const piece = tokenizer.decode(ids.subarray(start, end));
      text += counted[start] === 1 ? `«${piece}»` : piece;
      start = end;
    }
    return text;
  };
  return { tokenizer, encoder, encode, marked, decode: (ids: ArrayLike<number>) => tokenizer.decode(ids) };
}

const single = (...messages: Message[]): Partial<ChatExample> => ({
  messages: messages.slice(0, 1),
  answers: [{ role: 'response', messages: messages.slice(1) }],
});

describe('a row for an encoder–decoder', () => {
  const ending = { config: { add_eos_token: true } };

  it('has a prompt that ends as the tokenizer ends a text', async () => {
    const { encode, tokenizer } = await setUp(byteTokenizer(ending), 'auto', { wholePrompts: true });
    const eos = tokenizer.eos!.id;
    const row = encode({ ...single(user('ab'), assistant('c')), isPlain: true });
    expect([...row.prompt]).toEqual([...tokenizer.encode('ab'), eos]);
    expect([...row.responses[0]!.ids]).toEqual([...tokenizer.encode('c'), eos]);
  });

  it('must have a prompt', async () => {
    const { encode, encoder } = await setUp(byteTokenizer(ending), 'none', { wholePrompts: true, trainOnPrompt: true });
    expect(() => encode({ ...single(user('ab'), assistant('c')), isPlain: true })).toThrow(RowProblem);
    expect(() => encoder.encode({ kind: 'text', text: 'abc', ...common })).toThrow(/running text has no prompt/);
  });
});

describe('a chat', () => {
  it('counts the answer and its end-of-turn token; the line break behind it is cut off', async () => {
    const { encode, marked, decode } = await setUp(chatmlTokenizer(), 'auto');
    const row = encode(single(user('Hi'), assistant('Ho')));
    expect(decode(row.prompt)).toBe('<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n');
    expect(marked(row)).toBe('«Ho<|im_end|>»');
  });

  it('counts every answer of several turns, none of the questions', async () => {
    const { encode, marked } = await setUp(chatmlTokenizer(), 'auto');
    const row = encode(single(user('a'), assistant('b'), user('c'), assistant('d'), user('e'), assistant('f')));
    const question = (text: string) => `\n<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;
    expect(marked(row)).toBe(`«b<|im_end|>»${question('c')}«d<|im_end|>»${question('e')}«f<|im_end|>»`);
  });

  it('leaves out masked turns, and with maskHistory all but the last', async () => {
    const chat = single(user('a'), { ...assistant('b'), isMasked: true }, user('c'), assistant('d'));
    const masked = await setUp(chatmlTokenizer(), 'auto');
    expect(masked.marked(masked.encode(chat))).toMatch(/^b<\|im_end\|>.*«d<\|im_end\|>»$/s);
    const history = await setUp(chatmlTokenizer(), 'auto', { maskHistory: true });
    const row = history.encode(single(user('a'), assistant('b'), user('c'), assistant('d')));
    expect(history.marked(row)).toMatch(/^b<\|im_end\|>.*«d<\|im_end\|>»$/s);
  });

  it('gives a pair one prompt, and the system prompt of the config to rows without one', async () => {
    const { encode, marked, decode } = await setUp(chatmlTokenizer(), 'auto', { systemPrompt: 'S' });
    const answers = [
      { role: 'chosen', messages: [assistant('x')] },
      { role: 'rejected', messages: [assistant('y')] },
    ] as const;
    const row = encode({ messages: [user('a'), assistant('b'), user('c')], answers });
    expect(decode(row.prompt)).toBe(
      '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n',
    );
    expect([marked(row, 0), marked(row, 1)]).toEqual(['«x<|im_end|>»', '«y<|im_end|>»']);
    expect(decode(encode({ system: { role: 'system', content: 'T' }, messages: [user('c')], answers }).prompt)).toMatch(
      /^<\|im_start\|>system\nT/,
    );
  });

  it('tokenizes prompt and answer apart: a merge never crosses their border', async () => {
    // "th" would be one token in "…\nth"; "t" ends the prompt here and "h" begins the answer.
    const source = '{% for m in messages %}{{ m.content }}{% endfor %}';
    const { encode } = await setUp(chatmlTokenizer({ chatTemplate: source }), 'auto');
    const row = encode(single(user('t'), assistant('he')));
    expect([...row.prompt, ...row.responses[0]!.ids]).toEqual([116, 104, 101]);
  });

  it('equals the whole text tokenized at once where no merge could cross the border', async () => {
    const { encode, tokenizer } = await setUp(chatmlTokenizer(), 'auto');
    const row = encode(single(user('the cat and'), assistant('the hat'), user('and'), assistant('then')));
    const whole = tokenizer.decode([...row.prompt, ...row.responses[0]!.ids]);
    expect([...row.prompt, ...row.responses[0]!.ids]).toEqual(tokenizer.encode(whole));
  });

  it('writes bos once, and puts no space of its own into the middle (Llama)', async () => {
    const { encode, tokenizer, marked } = await setUp(llamaTokenizer(), 'llama2');
    const row = encode(single(user('the cat'), assistant('the hat')));
    const whole = '<s>[INST] the cat [/INST] the hat </s>';
    expect([...row.prompt, ...row.responses[0]!.ids]).toEqual(tokenizer.encode(whole));
    expect(row.prompt.filter((id) => id === 1)).toHaveLength(1);
    expect(marked(row)).toBe('«the hat </s>»');
    const doubled = await setUp(
      llamaTokenizer({
        chatTemplate: '{{ bos_token }}{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}',
      }),
      'auto',
    );
    expect([...doubled.encode(single(user('a'), assistant('b'))).prompt].filter((id) => id === 1)).toHaveLength(1);
  });
});

describe('a row with media', () => {
  const media = [{ kind: 'image' as const, value: 'x.png', folder: '.' }];
  const chat = single(user('the cat and the hat'), assistant('the hat and the cat'));

  it('is left whole for the modality that knows how long it is, and refused where nothing reads its media', async () => {
    const [left, alone] = [true, false].map((leavesMedia) =>
      setUp(chatmlTokenizer(), 'auto', { maxLength: 40, leavesMedia }),
    );
    const whole = (await left!).encode({ ...chat, media });
    expect(longestLength(whole)).toBeGreaterThan(40);
    expect(longestLength((await left!).encode(chat))).toBe(40);
    const { encode } = await alone!;
    expect(() => encode({ ...chat, media })).toThrow('the row has images, and nothing');
    const shown = { ...user('<image>'), media: [{ kind: 'image' as const, at: 0, reference: media[0]! }] };
    expect(() => encode(single(shown, assistant('a')))).toThrow('the row has images, and nothing');
  });
});

describe('templates that rewrite a chat', () => {
  /** As Qwen 3: reasoning is shown only behind the last question, with an empty block where there is none. */
  const thinking =
    "{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}" +
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.index0 > ns.last %}<think>{{ m.content.split('</think>')[0].split('<think>')[-1] if '</think>' in m.content else '' }}</think>" +
    "{{ m.content.split('</think>')[-1] }}{% elif m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}" +
    '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

  /** Prompt and learned text of every row. */
  const rowsOf = async (source: string, ...messages: Message[]) => {
    const { encoder, marked, decode } = await setUp(chatmlTokenizer({ chatTemplate: source }), 'auto');
    const example = { kind: 'chat' as const, isPlain: false, ...common, ...single(...messages) } as ChatExample;
    const { rows } = encoder.encode(example);
    return { rows: rows.map((row) => [decode(row.prompt), marked(row)]), notices: [...encoder.notices] };
  };
  const ask = (...texts: string[]) =>
    `${texts.map((text, at) => `<|im_start|>${at % 2 === 0 ? 'user' : 'assistant'}\n${text}<|im_end|>\n`).join('')}<|im_start|>assistant\n`;

  it('learn each answer as a model is asked for it: an earlier one in a row of its own, behind the history', async () => {
    const { rows, notices } = await rowsOf(thinking, user('a'), assistant('b'), user('c'), assistant('d'));
    expect(rows).toEqual([
      [ask('a'), 'b<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n«<think></think>d<|im_end|>»'],
      [ask('a'), '«<think></think>b<|im_end|>»'],
    ]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('learned in rows of their own');
  });

  it('learn reasoning that the chat loses once it goes on', async () => {
    const chat = [user('a'), assistant('<think>hm</think>b'), user('c'), assistant('<think>so</think>d')];
    const { rows } = await rowsOf(thinking, ...chat);
    expect(rows.map(([, learned]) => learned)).toEqual([
      'b<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n«<think>so</think>d<|im_end|>»',
      '«<think>hm</think>b<|im_end|>»',
    ]);
  });

  it('are left alone where all turns stand as they are asked for', async () => {
    const plain =
      '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';
    const { rows, notices } = await rowsOf(plain, user('a'), assistant('b'), user('c'), assistant('d'));
    expect([rows.length, notices]).toEqual([1, []]);
  });

  it('make earlier answers context where a pair is compared behind them, and say so', async () => {
    const { encoder, encode, marked } = await setUp(chatmlTokenizer({ chatTemplate: thinking }), 'auto');
    const answers = (['chosen', 'rejected'] as const).map((role) => ({
      role,
      messages: [assistant('b'), user('c'), assistant(role)],
    }));
    expect(marked(encode({ messages: [user('a')], answers }), 0)).toMatch(/^b<\|im_end\|>.*«<think><\/think>chosen/s);
    expect([...encoder.notices][0]).toContain('context only');
  });

  it('open the turn with a tag that they do not write later: the answer begins where both part', async () => {
    const source =
      '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}';
    const { encode, encoder, marked, decode } = await setUp(chatmlTokenizer({ chatTemplate: source }), 'auto');
    const row = encode(single(user('a'), assistant('<thorn>')));
    expect(decode(row.prompt)).toMatch(/<\|im_start\|>assistant\n$/);
    expect(marked(row)).toBe('«<thorn><|im_end|>»');
    expect([...encoder.notices][0]).toContain('has a model answer behind "<think>\\n"');
  });

  it('are refused when they change the prompt once an answer follows', async () => {
    const source =
      "{% if messages[-1].role == 'assistant' %}answered {% endif %}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}";
    const { encode } = await setUp(chatmlTokenizer({ chatTemplate: source }), 'auto');
    expect(() => encode(single(user('a'), assistant('b')))).toThrow(/writes the prompt otherwise/);
  });

  it('that refuse a chat drop the row with their own words', async () => {
    const source =
      "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}{{ m.content }}<|im_end|>{% endfor %}";
    const { encode } = await setUp(chatmlTokenizer({ chatTemplate: source }), 'auto');
    const chat = single(user('a'), { role: 'tool', content: 'x' }, assistant('b'));
    expect(() => encode(chat)).toThrow(new RowProblem('the template refuses the row: no tools here'));
  });
});

describe('plain rows', () => {
  const plain: Partial<ChatExample> = {
    messages: [user('the cat')],
    answers: [{ role: 'response', messages: [assistant(' sat')] }],
    isPlain: true,
  };

  it('are joined as they stand with eos behind, when the tokenizer has no template', async () => {
    const { encode, decode } = await setUp(byteTokenizer(), 'auto');
    const row = encode(plain);
    expect(decode(row.prompt) + decode(row.responses[0]!.ids)).toBe('the cat sat<|im_end|>');
    expect([...row.responses[0]!.counted]).toEqual([1, 1, 1, 1, 1]);
    const again = encode({ ...plain, answers: [{ role: 'response', messages: [assistant('x<|im_end|>')] }] });
    expect(decode(again.responses[0]!.ids)).toBe('x<|im_end|>');
  });

  it('are tokenized as they stand and apart with template none; bos begins the prompt where the tokenizer wants it', async () => {
    const bytes = await setUp(byteTokenizer(), 'none');
    expect(bytes.decode(bytes.encode(plain).responses[0]!.ids)).toBe(' sat');
    const llama = await setUp(llamaTokenizer(), 'none');
    const row = llama.encode(plain);
    expect([...row.prompt]).toEqual([1, ...llama.tokenizer.encode('the cat')]);
    expect([...row.responses[0]!.ids]).toEqual(llama.tokenizer.encode(' sat'));
  });

  it('are a user and an assistant turn under a template', async () => {
    const { encode, decode } = await setUp(chatmlTokenizer(), 'auto');
    expect(decode(encode(plain).prompt)).toBe('<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\n');
  });

  it('say once that answers end without eos when there is none', async () => {
    const { encode, encoder } = await setUp(byteTokenizer({ config: { eos_token: null } }), 'auto');
    encode(plain);
    encode(plain);
    expect([...encoder.notices]).toEqual([expect.stringContaining('no end-of-sequence token')]);
  });

  it('and chats without a template: one question is taken as it stands, more are refused', async () => {
    const { encode, decode } = await setUp(byteTokenizer(), 'none');
    expect(decode(encode({ ...plain, isPlain: false }).prompt)).toBe('the cat');
    const chat = single(user('a'), assistant('b'), user('c'), assistant('d'));
    expect(() => encode(chat)).toThrow('a chat of several turns cannot be written without a template');
  });

  it('and chats of a tokenizer without a template: they are written as plain text, and that is said', async () => {
    const { encode, encoder, decode, marked } = await setUp(byteTokenizer(), 'auto');
    const row = encode(single(user('a'), assistant('b')));
    expect(decode(row.prompt)).toBe('User: a\n\nAssistant:');
    expect(marked(row)).toBe('« b<|im_end|>»');
    expect([...encoder.notices][0]).toContain('no chat template');
  });
});

describe('trainOnPrompt', () => {
  it('learns prompt and answer as one response; only its first token has nothing before it', async () => {
    const { encode, decode } = await setUp(byteTokenizer(), 'auto', { trainOnPrompt: true });
    const row = encode({
      messages: [user('the cat')],
      answers: [{ role: 'response', messages: [assistant(' sat')] }],
      isPlain: true,
    });
    expect(row.prompt).toHaveLength(0);
    const [response] = row.responses;
    expect(decode(response!.ids)).toBe('the cat sat<|im_end|>');
    expect([...response!.counted]).toEqual([0, ...Array.from({ length: response!.ids.length - 1 }, () => 1)]);
  });
});

describe('running text', () => {
  it('ends with eos and is cut into pieces in which every token is learned exactly once', async () => {
    const { encoder, tokenizer } = await setUp(byteTokenizer(), 'auto', { maxLength: 8 });
    const text = 'abcdefghijklmnopqrstuvwxyz';
    const { rows } = encoder.encode({ kind: 'text', text, ...common });
    const all = [...tokenizer.encode(text), tokenizer.eos!.id];
    expect(rows.map(({ responses }) => responses[0]!.ids.length)).toEqual([8, 8, 8, 6]);
    const learned = rows.flatMap(({ responses: [piece] }) =>
      [...piece!.ids].filter((_, at) => piece!.counted[at] === 1),
    );
    expect(learned).toEqual(all.slice(1));
    // A piece begins with the last token of the one before.
    expect(rows[1]!.responses[0]!.ids[0]).toBe(rows[0]!.responses[0]!.ids[7]);
  });

  it('begins with bos where the tokenizer wants it, and may be a whole chat', async () => {
    const llama = await setUp(llamaTokenizer(), 'auto');
    const { rows } = llama.encoder.encode({ kind: 'text', text: 'the cat', ...common });
    expect([...rows[0]!.responses[0]!.ids]).toEqual([1, ...llama.tokenizer.encode('the cat'), 2]);
    const chat = await setUp(chatmlTokenizer(), 'auto', { asText: true });
    const row = chat.encode(single(user('a'), assistant('b')));
    expect(chat.decode(row.responses[0]!.ids)).toBe(
      '<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_end|>',
    );
  });

  it('refuses a text of fewer than two tokens', async () => {
    const { encoder } = await setUp(byteTokenizer({ config: { eos_token: null } }), 'auto');
    expect(() => encoder.encode({ kind: 'text', text: 'a', ...common })).toThrow('fewer than two tokens');
  });
});
