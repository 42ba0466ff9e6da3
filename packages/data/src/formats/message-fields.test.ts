// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../../test/tiny-tokenizers.js';
import { parseJson } from '@llmf/jinja';
import { ChatTemplate } from '../templates/chat-template.js';
import { Tokenizer } from '../tokenizer.js';
import { Cells } from './cells.js';
import { openai } from './conversation.js';
import type { ChatExample, Message } from './example.js';
import { openaiTags } from './instruction.js';
import { preference } from './preference.js';

const tokenizer = await Tokenizer.load(byteTokenizer());
const plain = '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}';
const example = (format: typeof openai, row: Record<string, unknown>, wanted: 'single' | 'pair' = 'single') => {
  const columns = Object.fromEntries(Object.keys(row).map((name) => [name, name]));
  return format.read(new Cells(row, { columns, tags: openaiTags, extras: [], folder: '/' }), wanted)[0] as ChatExample;
};
const chat = (...messages: Record<string, unknown>[]) => {
  const { system, messages: before, answers } = example(openai, { messages });
  const first: Message[] = system === undefined ? [] : [system];
  return [...first, ...before, ...answers[0]!.messages];
};
const text = (source: string, messages: readonly Message[], tools?: readonly unknown[]) =>
  new ChatTemplate('t', source, tokenizer).render(messages, { addGenerationPrompt: false, tools });
const question = { role: 'user', content: 'q' };
const answer = { role: 'assistant', content: 'a' };

describe('fields of a message', () => {
  it('reach the template: ids of calls, names and ids of results', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"x": 1.0, "y": null}' } };
    const messages = chat(
      question,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', content: 'r', tool_call_id: 'c1', name: 'f' },
      answer,
    );
    const source =
      '{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c }}{% endfor %}{{ m.name }}#{{ m.tool_call_id }} {% endfor %}';
    expect(text(source, messages)).toBe(
      "# {'id': 'c1', 'type': 'function', 'function': {'name': 'f', 'arguments': {'x': 1.0, 'y': None}}}# f#c1 # ",
    );
  });

  it('reach it under names of the data’s own where it reads them, and are an error by name where it does not', () => {
    const messages = chat({ ...question, mood: 'calm' }, answer);
    expect(text('{% for m in messages %}{{ m.mood }}{% endfor %}', messages)).toBe('calm');
    expect(() => text(plain, messages)).toThrow(/has the field "mood"/);
    // Nulls are what a table puts where a message has no such field.
    expect(text(plain, chat({ ...question, mood: null }, answer))).toBe('[user]q[assistant]a');
  });

  it.each(['functions', 'function_calls', 'tools', 'refusal'])(
    '%s that nothing reads is an error, unless empty',
    (name) => {
      expect(() => text(plain, chat({ ...question, [name]: '[{"name": "f"}]' }, answer))).toThrow(
        `has the field "${name}"`,
      );
      for (const nothing of ['', [], null]) {
        expect(text(plain, chat({ ...question, [name]: nothing }, answer))).toBe('[user]q[assistant]a');
      }
    },
  );

  it('a row’s own values for the template are an error', () => {
    const row = (given: unknown) => ({ messages: [question, answer], chat_template_kwargs: given });
    expect(() => example(openai, row({ enable_thinking: false }))).toThrow('column chat_template_kwargs gives');
    for (const nothing of [null, {}, { enable_thinking: null }])
      expect(() => example(openai, row(nothing))).not.toThrow();
  });

  it('an earlier answer that is empty is an error, not a turn that is learned', () => {
    const chatOf = (first: object) => ({ messages: [question, { ...answer, ...first }, question, answer] });
    expect(() => example(openai, chatOf({ content: ' ' }))).toThrow('an earlier answer of the chat is empty');
    expect(() => example(openai, chatOf({ content: '', train: false }))).not.toThrow();
  });

  it.each(['reasoning_content', 'reasoning', 'thinking'])(
    '%s reaches the template under the name that it reads',
    (name) => {
      const messages = chat(question, { ...answer, [name]: 'hm' });
      expect(text('{% for m in messages %}{{ m.thinking }}|{% endfor %}', messages)).toBe('|hm|');
      expect(text(plain, messages)).toBe('[user]q[assistant]<think>\nhm\n</think>\n\na');
    },
  );

  it.each([{ loss: false }, { loss: 0 }, { weight: 0 }, { loss_weight: 0 }, { train: false }])(
    '%o keeps a turn from being learned',
    (mark) => {
      const { answers } = example(openai, { messages: [question, { ...answer, ...mark }, question, answer] });
      expect(answers[0]!.messages.map(({ isMasked }) => isMasked ?? false)).toEqual([true, false, false]);
    },
  );

  it('refuses what no mask can say', () => {
    expect(() => chat(question, { ...answer, weight: 0.5 })).toThrow(/weight of message 2 .* is 0.5/);
    expect(() => chat({ ...question, loss: true }, answer)).toThrow(/not the assistant's/);
  });
});

describe('turns', () => {
  it('an empty system turn of the chat’s own stays', () => {
    const source =
      "{% if messages[0].role != 'system' %}default{% endif %}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
    expect(text(source, chat({ role: 'system', content: '' }, question, answer))).toBe('[system][user]q[assistant]a');
  });

  it('both answers follow one prompt, repeated or not', () => {
    const row = (chosen: unknown[], rejected: unknown[]) =>
      example(preference as typeof openai, { prompt: [question], chosen, rejected }, 'pair');
    const no = { role: 'assistant', content: 'no' };
    for (const pair of [row([question, answer], [no]), row([question, answer], [question, no])]) {
      expect(pair.answers.map(({ messages }) => messages.map(({ content }) => content))).toEqual([['a'], ['no']]);
    }
    expect(() => row([{ role: 'user', content: 'other' }, answer], [no])).toThrow(
      /begins with a user turn that is not the prompt/,
    );
  });

  it('messages that pandas wrote as a Python list are refused, not learned', () => {
    const python = "[{'role': 'assistant', 'content': 'a'}]";
    expect(() => example(preference as typeof openai, { prompt: 'q', chosen: python, rejected: 'no' }, 'pair')).toThrow(
      /Python list/,
    );
  });

  it('numbers keep the file’s digits', () => {
    const row = parseJson('{"prompt": 1.50, "completion": 1234567890123456789}') as Record<string, unknown>;
    const columns = { prompt: 'prompt', chosen: 'completion', rejected: 'prompt' };
    const cells = new Cells(row, { columns, tags: openaiTags, extras: [], folder: '/' });
    const [read] = preference.read(cells, 'pair') as ChatExample[];
    expect([read!.messages[0]!.content, read!.answers[0]!.messages[0]!.content]).toEqual([
      '1.50',
      '1234567890123456789',
    ]);
  });
});

describe('a template for tools', () => {
  it('is taken for chats that offer tools', async () => {
    const templates = [
      { name: 'default', template: 'D{{ messages[0].content }}' },
      { name: 'tool_use', template: 'T{{ tools | length }}{{ messages[0].content }}' },
    ];
    const named = await Tokenizer.load(byteTokenizer({ config: { chat_template: templates } }));
    const { chooseTemplate } = await import('../templates/choose.js');
    const { chat: chosen } = await chooseTemplate('auto', named, '/');
    const messages: Message[] = [{ role: 'user', content: 'q' }];
    expect(chosen!.render(messages, { addGenerationPrompt: false })).toBe('Dq');
    expect(chosen!.render(messages, { addGenerationPrompt: false, tools: [{}] })).toBe('T1q');
  });
});
