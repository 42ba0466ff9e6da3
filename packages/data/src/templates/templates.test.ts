// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { LlmfError } from '@llmf/core';
import { byteTokenizer, chatmlTokenizer, llamaTokenizer, write } from '../../test/tiny-tokenizers.js';
import type { Message } from '../formats/example.js';
import { Tokenizer } from '../tokenizer.js';
import { ChatTemplate } from './chat-template.js';
import { chooseTemplate } from './choose.js';
import { namedSource, namedTemplates } from './named.js';

const chat: readonly Message[] = [
  { role: 'system', content: 'S' },
  { role: 'user', content: 'Q1' },
  { role: 'assistant', content: 'A1' },
  { role: 'user', content: 'Q2' },
];
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: LlmfError) => error,
  );
const llama = await Tokenizer.load(llamaTokenizer());
const bytes = await Tokenizer.load(byteTokenizer());

/** The published layouts, written out; bos and eos are Llama's. */
const layouts: Readonly<Record<string, string>> = {
  chatml:
    '<s><|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n',
  qwen: '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n',
  llama3:
    '<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nQ1<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nA1<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nQ2<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
  llama2: '<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nQ1 [/INST] A1 </s><s>[INST] Q2 [/INST]',
  mistral: '<s>[INST] S\n\nQ1 [/INST] A1</s>[INST] Q2 [/INST]',
  gemma:
    '<s><start_of_turn>user\nS\n\nQ1<end_of_turn>\n<start_of_turn>model\nA1<end_of_turn>\n<start_of_turn>user\nQ2<end_of_turn>\n<start_of_turn>model\n',
  phi3: '<s><|system|>\nS<|end|>\n<|user|>\nQ1<|end|>\n<|assistant|>\nA1<|end|>\n<|user|>\nQ2<|end|>\n<|assistant|>\n',
  zephyr: '<s><|system|>\nS</s>\n<|user|>\nQ1</s>\n<|assistant|>\nA1</s>\n<|user|>\nQ2</s>\n<|assistant|>\n',
  vicuna: '<s>S USER: Q1 ASSISTANT: A1</s>USER: Q2 ASSISTANT:',
  alpaca: '<s>S\n\n### Instruction:\nQ1\n\n### Response:\nA1</s>\n\n### Instruction:\nQ2\n\n### Response:\n',
  plain: '<s>S\n\nUser: Q1\n\nAssistant: A1</s>\n\nUser: Q2\n\nAssistant:',
};

describe('named layouts', () => {
  it('are all written out here', () => {
    expect(namedTemplates.map(({ name }) => name).sort()).toEqual(Object.keys(layouts).sort());
  });

  it.each(namedTemplates.map((template) => [template.name, template] as const))('%s', (name, template) => {
    const built = new ChatTemplate(name, namedSource(template, true), llama);
    expect(built.render(chat, { addGenerationPrompt: true })).toBe(layouts[name]);
  });

  it('leave bos out for a tokenizer that adds none', () => {
    const chatml = namedTemplates.find(({ name }) => name === 'chatml')!;
    const built = new ChatTemplate('chatml', namedSource(chatml, false), bytes);
    expect(built.render(chat.slice(1, 2), { addGenerationPrompt: false })).toBe('<|im_start|>user\nQ1<|im_end|>\n');
  });

  it('give qwen, vicuna and alpaca their default system prompts', () => {
    const rendered = (name: string) => {
      const template = namedTemplates.find((each) => each.name === name)!;
      return new ChatTemplate(name, namedSource(template, false), bytes).render(chat.slice(1, 2), {
        addGenerationPrompt: true,
      });
    };
    expect(rendered('qwen')).toMatch(
      /^<\|im_start\|>system\nYou are a helpful assistant\.<\|im_end\|>\n<\|im_start\|>user\nQ1/,
    );
    expect(rendered('vicuna')).toMatch(/^A chat between .* USER: Q1 ASSISTANT:$/);
    expect(rendered('alpaca')).toMatch(/^Below is an instruction .*\n\n### Instruction:\nQ1\n\n### Response:\n$/);
  });
});

describe('what a template cannot express', () => {
  const simple = '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}';

  it('is written into the text, and noted', () => {
    const template = new ChatTemplate('simple', simple, bytes);
    const messages: Message[] = [
      { role: 'user', content: 'Q' },
      { role: 'assistant', content: '', toolCalls: [{ name: 'f', arguments: { a: 1 } }] },
      { role: 'assistant', content: 'A', reasoning: 'hm' },
    ];
    const text = template.render(messages, { addGenerationPrompt: false, tools: [{ name: 'f' }] });
    expect(text).toBe(
      '[system]You can call these functions:\n[{"name": "f"}][user]Q[assistant]{"name": "f", "arguments": {"a": 1}}[assistant]<think>\nhm\n</think>\n\nA',
    );
    expect([...template.adaptations]).toHaveLength(2);
  });

  it('is given as it is where the template reads it', () => {
    const source = `{{ tools | tojson }}{% for m in messages %}{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}{% endif %}({{ m.reasoning_content }}){{ m.content }}{% endfor %}`;
    const template = new ChatTemplate('full', source, bytes);
    const messages: Message[] = [
      { role: 'assistant', content: 'A', reasoning: 'hm', toolCalls: [{ name: 'f', arguments: {} }] },
    ];
    expect(template.render(messages, { addGenerationPrompt: false, tools: [1] })).toBe('[1]f(hm)A');
    expect(template.adaptations.size).toBe(0);
  });

  it('puts the system prompt before the first user turn where there is no system turn', () => {
    const source =
      "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.content }}|{% endfor %}";
    const template = new ChatTemplate('strict', source, bytes);
    expect(template.hasSystem).toBe(false);
    expect(template.render(chat, { addGenerationPrompt: false })).toBe('S\n\nQ1|A1|Q2|');
  });

  it('never lets today’s date into a prompt', () => {
    const template = new ChatTemplate('dated', "{{ strftime_now('%d %b %Y') }}", bytes);
    expect(template.render(chat, { addGenerationPrompt: false })).toBe('26 Jul 2024');
  });
});

describe('chooseTemplate', () => {
  it('takes the tokenizer’s own for auto', async () => {
    const chosen = await chooseTemplate('auto', await Tokenizer.load(chatmlTokenizer()), '/');
    expect(chosen.plain).toBe('render');
    expect(chosen.chat!.name).toBe('auto');
  });

  it('joins plain rows and falls back to plain for chats where the tokenizer has none', async () => {
    const chosen = await chooseTemplate('auto', bytes, '/');
    expect(chosen).toMatchObject({ plain: 'join', chat: { name: 'plain' } });
    expect(chosen.chatNotice).toContain('no chat template');
  });

  it('takes nothing for none, a file by its path, and the tokenizer’s further templates by name', async () => {
    expect(await chooseTemplate('none', bytes, '/')).toMatchObject({ chat: null, plain: 'asIs' });
    const folder = byteTokenizer({
      config: { chat_template: [{ name: 'tool_use', template: 'T{{ messages[0].content }}' }] },
    });
    write(folder, 'my.jinja', 'F{{ messages[0].content }}');
    const tokenizer = await Tokenizer.load(folder);
    const text = async (name: string) =>
      (await chooseTemplate(name, tokenizer, folder)).chat!.render(chat.slice(1), { addGenerationPrompt: false });
    expect(await text('my.jinja')).toBe('FQ1');
    expect(await text('tool_use')).toBe('TQ1');
  });

  it('refuses a template whose special tokens the tokenizer does not have, and names one that fits', async () => {
    const error = await errorOf(chooseTemplate('qwen', llama, '/'));
    expect(error?.code).toBe('LLMF_DATA_TEMPLATE_MISMATCH');
    expect(error?.detail.got).toBe('not in the vocabulary: <|im_start|>, <|im_end|>');
    expect(error?.detail.fix).toContain('Set data.template to llama2');
    const own = await errorOf(chooseTemplate('llama3', await Tokenizer.load(chatmlTokenizer()), '/'));
    expect(own?.detail.fix).toContain('Set data.template to auto');
    // The tokenizer's own template can be the wrong one too: copied from another model.
    const copied = await errorOf(
      chooseTemplate('auto', await Tokenizer.load(chatmlTokenizer({ specials: ['<|end|>'] })), '/'),
    );
    expect(copied?.code).toBe('LLMF_DATA_TEMPLATE_MISMATCH');
  });

  it('refuses a template that ends answers with eos when there is none', async () => {
    const error = await errorOf(
      chooseTemplate('vicuna', await Tokenizer.load(byteTokenizer({ config: { eos_token: null } })), '/'),
    );
    expect(error?.detail.got).toContain('eos_token');
  });

  it('names near templates, and says what is wrong with a broken one', async () => {
    const unknown = await errorOf(chooseTemplate('chatm', bytes, '/'));
    expect(unknown?.code).toBe('LLMF_DATA_UNKNOWN_TEMPLATE');
    expect(unknown?.detail.expected).toMatch(/^chatml/);
    const folder = byteTokenizer({ config: { chat_template: '{% for x in %}' } });
    expect((await errorOf(chooseTemplate('auto', await Tokenizer.load(folder), '/')))?.code).toBe(
      'LLMF_DATA_TEMPLATE_BROKEN',
    );
    expect((await errorOf(chooseTemplate('absent.jinja', bytes, folder)))?.code).toBe('LLMF_DATA_TEMPLATE_BROKEN');
  });
});
