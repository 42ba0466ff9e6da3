// SPDX-License-Identifier: Apache-2.0
import { errors } from './errors.js';
import { askedTurns } from './formats/dialogue.js';
import type { Message } from './formats/example.js';
import { RowProblem } from './readers/row-reader.js';
import type { ChatTemplate } from './templates/chat-template.js';
import { renderProbe, type ChosenTemplate } from './templates/choose.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Token ids that a model is to go on from: the chat with its generation prompt, or, without a template, the text as it
 * stands behind `bos`. The same ids that a training row with this prompt has.
 * @param isWhole an encoder reads it: it ends as the tokenizer ends a text
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  template: ChosenTemplate,
  prompt: string | readonly Message[],
  isWhole = false,
): number[] {
  const ids = promptIds(tokenizer, template, prompt);
  return isWhole ? tokenizer.ended(ids) : ids;
}

function promptIds(tokenizer: Tokenizer, template: ChosenTemplate, prompt: string | readonly Message[]): number[] {
  if (typeof prompt === 'string' && template.plain !== 'render') return withBos(tokenizer.encode(prompt), tokenizer);
  const messages = typeof prompt === 'string' ? turnsOf(prompt) : prompt;
  if (template.chat === null)
    return withBos(tokenizer.encode(messages.map(({ content }) => content).join('\n')), tokenizer);
  const ids = tokenizer.encode(renderedPrompt(template.chat, messages));
  return tokenizer.bos !== null && ids[0] === tokenizer.bos.id && ids[1] === tokenizer.bos.id ? ids.slice(1) : ids;
}

/** One question, or the turns of a dialogue that is written as one text. */
const turnsOf = (prompt: string): readonly Message[] => askedTurns(prompt) ?? [{ role: 'user', content: prompt }];

/** @throws LLMF_DATA_TEMPLATE_REFUSES where the template does not take such a chat. */
function renderedPrompt(chat: ChatTemplate, messages: readonly Message[]): string {
  try {
    return chat.render(messages, { addGenerationPrompt: true });
  } catch (error) {
    if (error instanceof RowProblem) throw errors.templateRefuses({ name: chat.name, problem: error.message });
    throw error;
  }
}

/** Tokens at which an answer ends: eos, and the special token that the template puts behind an assistant's turn. */
export function stopTokens(tokenizer: Tokenizer, template: ChosenTemplate): number[] {
  const stops = new Set<number>();
  if (tokenizer.eos !== null) stops.add(tokenizer.eos.id);
  const chat = template.chat;
  if (chat !== null && template.plain === 'render') {
    const end = tokenizer.addedTokenAtEnd((renderProbe(chat, false) ?? '').trimEnd());
    const id = end === null ? undefined : tokenizer.tokenId(end);
    if (id !== undefined) stops.add(id);
  }
  return [...stops];
}

function withBos(ids: number[], { bos, addsBos }: Tokenizer): number[] {
  return addsBos && bos !== null && ids[0] !== bos.id ? [bos.id, ...ids] : ids;
}
