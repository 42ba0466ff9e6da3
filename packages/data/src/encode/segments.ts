// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { ChatTemplate, RenderedTurns } from '../templates/chat-template.js';
import {
  asked,
  atTokenBorder,
  commonLength,
  cutBehindTurn,
  openingOf,
  rendererOf,
  writtenTurn,
  type Render,
  type TurnSpan,
  type TurnTokens,
} from './turn-borders.js';

/** A piece of rendered text that is tokenized by itself. */
export interface TextSegment {
  readonly text: string;
  readonly isCounted: boolean;
}

/** A chat cut where the prompt ends and where learned turns begin and end. */
export interface RenderedChat {
  readonly prompt: string;
  readonly answers: readonly (readonly TextSegment[])[];
  /** Turns of each answer that are not learned here: the template writes them otherwise once the chat goes on. */
  readonly rewritten: readonly (readonly number[])[];
  /** What inference opens the first answer with and the template does not write before it; null: nothing. */
  readonly unwrittenOpening: string | null;
}

export interface ChatToRender {
  /** System prompt and turns before the answers. */
  readonly context: readonly Message[];
  readonly answers: readonly (readonly Message[])[];
  readonly tools?: readonly unknown[] | undefined;
  /** Which turns of an answer are learned. */
  readonly learns: (message: Message, isLast: boolean) => boolean;
  readonly tokens: TurnTokens;
}

/** Longer chats are not rendered again for each turn: a turn that the template does not write in one piece is context. */
const mostAsked = 64;

/**
 * Renders each whole chat, and the prompt with what opens the answer: the answer is what the chat has beyond the prompt,
 * up to and with the end-of-turn token. Turns inside a longer answer are found by the template's own marks
 * (`{% generation %}`), or by where its loop over the messages wrote them.
 * @throws RowProblem when the template refuses the chat or writes another prompt once an answer follows.
 */
export function renderChat(template: ChatTemplate, chat: ChatToRender): RenderedChat {
  const { context, tools, tokens } = chat;
  const render = rendererOf(template, tools);
  const wholes = chat.answers.map((answer) => {
    const rendered = render([...context, ...answer], false);
    return { ...rendered, text: cutBehindTurn(rendered.text, tokens) };
  });
  const opening = openingOf(render, context);
  const marked = chat.answers.map((answer, at) => markedTurns(wholes[at]!, [...context, ...answer]));
  const prompts = wholes.map((whole, at) => {
    const first = chat.answers[at]![0]!;
    const mark = marked[at]?.[context.length] ?? null;
    if (mark !== null) return mark.start;
    return first.role === 'assistant' ? promptEndOf({ render, context, first, whole, opening, tokens }) : null;
  });
  const promptEnd = sharedEnd(prompts, wholes, () => contextEnd(render, context, wholes, tokens));
  if (promptEnd === null) {
    throw new RowProblem(
      'the template writes the prompt otherwise once an answer follows, so that the answer cannot be told apart',
    );
  }

  const rewritten: number[][] = chat.answers.map(() => []);
  const answers = chat.answers.map((answer, at) => {
    const whole = wholes[at]!;
    const segments: TextSegment[] = [];
    let done = promptEnd;
    const add = (end: number, isCounted: boolean) => {
      if (end > done) segments.push({ text: whole.text.slice(done, end), isCounted });
      done = Math.max(done, end);
    };
    answer.forEach((message, turn) => {
      if (message.role !== 'assistant' || !chat.learns(message, turn === answer.length - 1)) return;
      const place = { context, answer, turn, whole, promptEnd, opening, tokens, render };
      const span = marked[at] === null ? turnSpan(place) : marked[at]![context.length + turn]!;
      const stands = span !== null && span.start >= done && span.end > span.start;
      if (!stands || (marked[at] === null && !isAsAsked(place, span))) {
        rewritten[at]!.push(turn);
        return;
      }
      add(span.start, false);
      add(Math.min(span.end, whole.text.length), true);
    });
    add(whole.text.length, false);
    return segments;
  });
  const opened = context.length === 0 || marked[0] !== null ? null : asked(render, context, true);
  const unwrittenOpening = opened === null || wholes[0]!.text.startsWith(opened) ? null : opened.slice(promptEnd);
  return { prompt: wholes[0]!.text.slice(0, promptEnd), answers, rewritten, unwrittenOpening };
}

/** The spans of the template's own marks by message; null where it has none, or not one for each assistant's turn. */
function markedTurns(whole: RenderedTurns, messages: readonly Message[]): (TurnSpan | null)[] | null {
  const assistants = messages.filter(({ role }) => role === 'assistant').length;
  if (whole.generated.length === 0 || whole.generated.length !== assistants) return null;
  let next = 0;
  return messages.map(({ role }) => {
    if (role !== 'assistant') return null;
    const [start, end] = whole.generated[next++]!;
    return { start, end };
  });
}

interface FirstTurn {
  readonly render: Render;
  readonly context: readonly Message[];
  readonly first: Message;
  readonly whole: RenderedTurns;
  readonly opening: string | null;
  readonly tokens: TurnTokens;
}

/** Where the prompt ends before an answer: behind the rendered prompt where the chat begins with it. */
function promptEndOf({ render, context, first, whole, opening, tokens }: FirstTurn): number | null {
  const opened = context.length === 0 ? null : asked(render, context, true);
  if (opened !== null && whole.text.startsWith(opened)) return opened.length;
  const span = whole.turns[context.length] ?? null;
  const written = span === null ? null : writtenTurn({ text: whole.text, span, message: first, opening, tokens });
  if (opened === null) return written?.start ?? null;
  // A template that opens the turn otherwise than it writes it (a thinking tag in the prompt only): where both part.
  const end = atTokenBorder(whole.text, commonLength(opened, whole.text), tokens);
  const closed = asked(render, context, false)?.trimEnd() ?? '';
  if (end < closed.length) return null;
  // What both have in common may reach into the answer's own text.
  return written === null ? end : Math.min(end, Math.max(written.start, closed.length));
}

/** Both answers follow one prompt: the shortest that all have in common. */
function sharedEnd(ends: readonly (number | null)[], wholes: readonly RenderedTurns[], other: () => number | null) {
  if (ends.some((end) => end === null)) return other();
  const end = Math.min(...(ends as number[]));
  const prompt = wholes[0]!.text.slice(0, end);
  return wholes.every(({ text }) => text.startsWith(prompt)) ? end : null;
}

/** Before an answer that does not begin with the assistant (a tool's result), or of a template that refuses to be asked. */
function contextEnd(
  render: Render,
  context: readonly Message[],
  wholes: readonly RenderedTurns[],
  tokens: TurnTokens,
): number | null {
  const opened = asked(render, context, true);
  const closed = asked(render, context, false)?.trimEnd();
  if (opened === null || closed === undefined) return null;
  const end = Math.min(...wholes.map(({ text }) => atTokenBorder(text, commonLength(opened, text), tokens)));
  return end >= closed.length ? end : null;
}

interface PlacedTurn extends Omit<FirstTurn, 'first'> {
  readonly answer: readonly Message[];
  readonly turn: number;
  readonly promptEnd: number;
}

/**
 * Where an assistant's turn of a longer answer stands. A turn with calls or reasoning is learned only if the chat up to
 * it is the beginning of the whole one: templates write such turns otherwise once the chat goes on.
 */
function turnSpan(place: PlacedTurn): TurnSpan | null {
  const { answer, turn, whole, context, promptEnd, opening, tokens } = place;
  const message = answer[turn]!;
  const isLast = turn === answer.length - 1;
  const span = whole.turns[context.length + turn] ?? null;
  const isPlain = message.toolCalls === undefined && message.reasoning === undefined;
  const written =
    span === null || (!isPlain && !isLast) ? null : writtenTurn({ text: whole.text, span, message, opening, tokens });
  if (isLast) {
    const start = turn === 0 ? promptEnd : (written?.start ?? askedStart(place));
    return start === null ? null : { start, end: whole.text.length };
  }
  if (written !== null) return turn === 0 ? { ...written, start: promptEnd } : written;
  return isPlain && span !== null ? null : askedTurn(place);
}

/**
 * Whether the turn stands in the whole chat as it is written when it is the last one, which is how a model is asked for
 * it: behind the same history, with the same words. Unknown where the template refuses to be asked: then as it stands.
 */
function isAsAsked({ render, context, answer, turn, whole, tokens }: PlacedTurn, span: TurnSpan): boolean {
  if (turn === answer.length - 1 || answer.length > mostAsked) return true;
  const through = asked(render, [...context, ...answer.slice(0, turn + 1)], false);
  if (through === null) return true;
  const alone = cutBehindTurn(through, tokens).trimEnd();
  return whole.text.slice(0, Math.min(span.end, alone.length)) === alone;
}

/** Where the turn begins, by rendering the chat before it. */
function askedStart({ render, context, answer, turn, whole, tokens }: PlacedTurn): number | null {
  if (answer.length > mostAsked) return null;
  const before = [...context, ...answer.slice(0, turn)];
  const opened = asked(render, before, true);
  if (opened === null) return null;
  if (whole.text.startsWith(opened)) return opened.length;
  const closed = asked(render, before, false)?.trimEnd();
  const end = atTokenBorder(whole.text, commonLength(opened, whole.text), tokens);
  return closed !== undefined && end >= closed.length ? end : null;
}

/** The whole turn, by rendering the chat before it and the chat through it. */
function askedTurn(place: PlacedTurn): TurnSpan | null {
  const { render, context, answer, turn, whole, promptEnd, tokens } = place;
  const start = turn === 0 ? promptEnd : askedStart(place);
  if (start === null || answer.length > mostAsked) return null;
  const through = asked(render, [...context, ...answer.slice(0, turn + 1)], false);
  if (through === null) return null;
  const cut = cutBehindTurn(through, tokens);
  return whole.text.startsWith(cut) ? { start, end: cut.length } : null;
}
