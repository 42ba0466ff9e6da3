// SPDX-License-Identifier: Apache-2.0
import type { ChatReader } from '@llmf/training';
import { Encoder } from './encode/encoder.js';
import type { EncodingOptions } from './encode/encoding.js';
import type { Message } from './formats/example.js';
import { chooseTemplate } from './templates/choose.js';
import { Tokenizer } from './tokenizer.js';

const whole: EncodingOptions = {
  systemPrompt: null,
  maxLength: null,
  truncation: 'keepStart',
  trainOnPrompt: false,
  maskHistory: false,
  leavesMedia: false,
  asText: false,
};

/** @param from folder that a template's path starts from */
export async function openChatReader(folder: string, template: string, from: string): Promise<ChatReader> {
  const tokenizer = await Tokenizer.load(folder);
  const encoder = new Encoder(tokenizer, await chooseTemplate(template, tokenizer, from), whole);
  return {
    read({ messages, system, ...chat }, answer) {
      const { rows } = encoder.encode({
        kind: 'chat',
        ...chat,
        ...(system !== undefined && { system: { role: 'system', content: system } }),
        messages: messages as readonly Message[], // of rows that this package has read
        answers: [{ role: 'response', messages: [{ role: 'assistant', content: answer }] }],
        weight: 1,
        extras: {},
        media: [],
      });
      return rows[0]!;
    },
  };
}
