// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest';
import { chatmlTokenizer } from '../../test/tiny-tokenizers.js';
import type { Message } from '../formats/example.js';
import { ChatTemplate } from '../templates/chat-template.js';
import { chooseTemplate, missingTokens } from '../templates/choose.js';
import { encodePrompt, stopTokens } from '../prompt.js';
import { Tokenizer } from '../tokenizer.js';
import { renderChat } from './segments.js';

const tokenizer = await Tokenizer.load(chatmlTokenizer());
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const end = '<|im_end|>';

/** Prompt, and answers with what is learned between ⟦⟧. */
function rendered(source: string, context: readonly Message[], ...answers: readonly (readonly Message[])[]) {
  const template = new ChatTemplate('t', source, tokenizer);
  const chat = { context, answers, learns: (message: Message) => message.isMasked !== true, tokens: tokenizer };
  const { prompt, answers: segments, rewritten } = renderChat(template, chat);
  const texts = segments.map((each) => each.map(({ text, isCounted }) => (isCounted ? `⟦${text}⟧` : text)).join(''));
  return { prompt, texts, rewritten };
}

const chatml = `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}${end}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}`;

describe('borders between turns', () => {
  it('never cut a special token', () => {
    const source = `{% for m in messages %}{{ m.role }}:{% if m.role == 'assistant' %}<|im_start|>{% endif %}{{ m.content }}${end}{% endfor %}{% if add_generation_prompt %}assistant:${end}{% endif %}`;
    const { prompt, texts } = rendered(source, [user('q')], [assistant('a')]);
    expect(prompt).toBe(`user:q${end}assistant:`);
    expect(texts).toEqual([`⟦<|im_start|>a${end}⟧`]);
  });

  it('stand behind what a template writes before a chat that the assistant opens', () => {
    const source = `{% if messages[0].role != 'system' %}<|im_start|>system\ndefault${end}\n{% endif %}${chatml}`;
    const { prompt, texts } = rendered(source, [], [assistant('Ahoy!'), user('Hi'), assistant('Aye.')]);
    expect(prompt).toBe(`<|im_start|>system\ndefault${end}\n<|im_start|>assistant\n`);
    expect(texts).toEqual([`⟦Ahoy!${end}⟧\n<|im_start|>user\nHi${end}\n<|im_start|>assistant\n⟦Aye.${end}⟧`]);
  });

  it('are those of the template’s own marks where it has them', () => {
    const source = `{% for m in messages %}{{ m.role }}:{% if m.role == 'assistant' %}{% generation %}{{ m.content }}${end}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}`;
    const { prompt, texts } = rendered(source, [user('q')], [assistant('a'), user('r'), assistant('b')]);
    expect(prompt).toBe('user:q\nassistant:');
    expect(texts).toEqual([`⟦a${end}⟧\nuser:r\nassistant:⟦b${end}⟧`]);
  });

  it('leave out earlier turns that the template writes otherwise once the chat goes on', () => {
    const source = `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] if not loop.last else m.content }}${end}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}`;
    const { texts, rewritten } = rendered(
      source,
      [user('q')],
      [assistant('<think>x</think>a'), user('r'), assistant('b')],
    );
    expect(rewritten).toEqual([[0]]);
    expect(texts[0]).toBe(`a${end}\n<|im_start|>user\nr${end}\n<|im_start|>assistant\n⟦b${end}⟧`);
  });

  it('of long chats take no rendering for each turn', () => {
    const turns = Array.from({ length: 4001 }, (_, at) => (at % 2 === 0 ? assistant('x') : user('y')));
    const renderings = vi.spyOn(ChatTemplate.prototype, 'renderTurns');
    const { texts } = rendered(chatml, [user('q')], turns);
    expect(texts[0]!.split('⟦')).toHaveLength(2002);
    expect(renderings.mock.calls.length).toBeLessThan(20);
    renderings.mockRestore();
  });
});

describe('a template that refuses to be asked', () => {
  const strict = `{% if messages[0].role != 'system' %}{{ raise_exception('a system turn must come first') }}{% endif %}${chatml}`;

  it('still writes the rows that it takes', () => {
    const { prompt, texts } = rendered(strict, [{ role: 'system', content: 's' }, user('q')], [assistant('a')]);
    expect(prompt.endsWith('<|im_start|>assistant\n')).toBe(true);
    expect(texts).toEqual([`⟦a${end}⟧`]);
    expect(missingTokens(new ChatTemplate('t', strict, tokenizer), tokenizer)).toEqual([]);
  });

  it('is an error with its own words for a prompt', async () => {
    const own = await Tokenizer.load(chatmlTokenizer({ chatTemplate: strict }));
    const template = await chooseTemplate('auto', own, '/');
    expect(stopTokens(own, template)).toContain(own.tokenId(end));
    expect(() => encodePrompt(own, template, 'hi')).toThrow(
      expect.objectContaining({ code: 'LLMF_DATA_TEMPLATE_REFUSES' }),
    );
  });
});
