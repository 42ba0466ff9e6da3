// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { ChatTemplate, RenderedTurns } from '../templates/chat-template.js';
import type { Tokenizer } from '../tokenizer.js';

/** What finding borders needs of a tokenizer. */
export type TurnTokens = Pick<Tokenizer, 'addedTokenAtEnd' | 'addedTokenAtStart' | 'addedTokenAround'>;

/** Renders chats of one row. */
export type Render = (messages: readonly Message[], addGenerationPrompt: boolean) => RenderedTurns;

/** A rendering that only asks a question: null where the template refuses it, which is not the row's fault. */
export function asked(render: Render, messages: readonly Message[], addGenerationPrompt: boolean): string | null {
  try {
    return render(messages, addGenerationPrompt).text;
  } catch (error) {
    if (error instanceof RowProblem) return null;
    throw error;
  }
}

export function rendererOf(template: ChatTemplate, tools: readonly unknown[] | undefined): Render {
  return (messages, addGenerationPrompt) => template.renderTurns(messages, { addGenerationPrompt, tools });
}

/** The text without the white space behind its last special token, which belongs to the next turn. */
export function cutBehindTurn(text: string, tokens: TurnTokens): string {
  const trimmed = text.trimEnd();
  return tokens.addedTokenAtEnd(trimmed) === null ? text : trimmed;
}

export function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** What the template writes to have the assistant speak, found on a question of one turn; null: nothing, or not to be found. */
export function openingOf(render: Render, context: readonly Message[]): string | null {
  const question: Message = { role: 'user', content: 'question' };
  const candidates = context.length > 0 ? [context, [question]] : [[question]];
  for (const messages of candidates) {
    const opened = asked(render, messages, true);
    const closed = asked(render, messages, false);
    if (opened === null || closed === null || !opened.startsWith(closed)) continue;
    const opening = opened.slice(closed.length);
    if (opening.trim() !== '') return opening;
  }
  return null;
}

/** Where an answer begins and ends in a whole chat. */
export interface TurnSpan {
  readonly start: number;
  readonly end: number;
}

interface Turn {
  readonly text: string;
  readonly span: readonly [number, number];
  readonly message: Message;
  readonly opening: string | null;
  readonly tokens: TurnTokens;
}

/**
 * An assistant's turn by the place where the template's own loop wrote it: from behind what opens it to its end token.
 * null where its content does not stand there word for word: the template writes it otherwise once the chat goes on.
 */
export function writtenTurn({ text, span: [from, to], message, opening, tokens }: Turn): TurnSpan | null {
  const whole = text.slice(from, to);
  const opened = openedAt(whole, message.content.trim(), opening ?? '');
  if (opened === null) return null;
  const start = atTokenBorder(text, from + opened, tokens);
  const end = from + cutBehindTurn(whole, tokens).length;
  const behind = text.slice(end);
  const next = behind.slice(behind.length - behind.trimStart().length);
  const closing = closingOf(text, tokens);
  // A turn whose end token the next one writes.
  const isClosedLater = closing !== null && !text.slice(from, end).endsWith(closing) && next.startsWith(closing);
  return { start, end: isClosedLater ? end + (behind.length - next.length) + closing.length : end };
}

/** Behind the opening, or as much of it as stands before the content; the content itself has to follow. null: it does not. */
function openedAt(turn: string, content: string, opening: string): number | null {
  for (let length = opening.length; length > 0; length--) {
    const part = opening.slice(0, length);
    const place = part.trim() === '' ? -1 : turn.indexOf(part);
    if (place !== -1 && turn.includes(content, place + length)) return place + length;
  }
  const place = turn.indexOf(content);
  return place === -1 ? null : place;
}

const closingOf = (text: string, tokens: TurnTokens): string | null => tokens.addedTokenAtEnd(text.trimEnd());

/** A border that would cut a special token in two, moved before it. */
export function atTokenBorder(text: string, at: number, tokens: TurnTokens): number {
  const around = tokens.addedTokenAround(text, at);
  return around ?? at;
}
