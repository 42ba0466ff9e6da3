// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { ChatTemplate } from '../templates/chat-template.js';
import type { Tokenizer } from '../tokenizer.js';

/** A piece of rendered text that is tokenized by itself. */
export interface TextSegment {
  readonly text: string;
  readonly isCounted: boolean;
}

/** A chat cut where the prompt ends and where learned turns begin and end. */
export interface RenderedChat {
  readonly prompt: string;
  readonly answers: readonly (readonly TextSegment[])[];
  /** Answer turns that could not be learned because the template writes them otherwise once the chat goes on. */
  readonly rewrittenTurns: number;
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

/** What finding a turn's end needs of a tokenizer. */
export type TurnTokens = Pick<Tokenizer, 'addedTokenAtEnd' | 'addedTokenAtStart'>;

/**
 * Renders the prompt with its generation prompt, then each whole chat; the answer is what the second has beyond the
 * first, up to and with the end-of-turn token. Turns inside a longer answer are found by rendering the chat up to them.
 * @throws RowProblem when the template refuses the chat or writes another prompt once an answer follows.
 */
export function renderChat(template: ChatTemplate, chat: ChatToRender): RenderedChat {
  const { context, tools, tokens } = chat;
  const render = (messages: readonly Message[], addGenerationPrompt: boolean) =>
    template.render(messages, { addGenerationPrompt, tools });
  const wholes = chat.answers.map((answer) => cutBehindTurn(render([...context, ...answer], false), tokens));
  const promptEnd = turnStart(render, context, wholes);
  if (promptEnd === null) {
    throw new RowProblem(
      'the template writes the prompt otherwise once an answer follows, so that the answer cannot be told apart',
    );
  }

  let rewrittenTurns = 0;
  const answers = chat.answers.map((answer, at) => {
    const whole = wholes[at]!;
    const segments: TextSegment[] = [];
    let done = promptEnd;
    const add = (end: number, isCounted: boolean) => {
      if (end > done) segments.push({ text: whole.slice(done, end), isCounted });
      done = Math.max(done, end);
    };
    answer.forEach((message, turn) => {
      if (message.role !== 'assistant' || !chat.learns(message, turn === answer.length - 1)) return;
      const span =
        turn === answer.length - 1
          ? {
              start: turn === 0 ? promptEnd : turnStart(render, [...context, ...answer.slice(0, turn)], [whole]),
              end: whole.length,
            }
          : earlierTurn(render, { context, answer, turn, whole, promptEnd, tokens });
      if (span === null || span.start === null || span.start < done) {
        rewrittenTurns++;
        return;
      }
      add(span.start, false);
      add(span.end, true);
    });
    add(whole.length, false);
    return segments;
  });
  return { prompt: wholes[0]!.slice(0, promptEnd), answers, rewrittenTurns };
}

type Render = (messages: readonly Message[], addGenerationPrompt: boolean) => string;

/** An answer whose place in the text is found again. */
const mark: Message = { role: 'assistant', content: '\u2061answer-mark\u2061' };

/**
 * Where the turn after `messages` starts to be the answer's, in every whole chat. Mostly the rendered prompt is the
 * beginning of the chat; a template that opens the turn otherwise than it writes it (a thinking tag in the generation
 * prompt only) is cut where both part. null: the chat does not begin with these messages as rendered alone.
 */
function turnStart(render: Render, messages: readonly Message[], wholes: readonly string[]): number | null {
  const opened = render(messages, true);
  if (wholes.every((whole) => whole.startsWith(opened))) return opened.length;
  const closed = render(messages, false).trimEnd();
  const marked = render([...messages, mark], false).indexOf(mark.content);
  const end = Math.min(marked, ...wholes.map((whole) => commonLength(opened, whole)));
  return end >= closed.length ? end : null;
}

interface EarlierTurn {
  readonly context: readonly Message[];
  readonly answer: readonly Message[];
  readonly turn: number;
  readonly whole: string;
  readonly promptEnd: number;
  readonly tokens: TurnTokens;
}

/**
 * Where an assistant's turn that others follow stands in the whole chat. Mostly the chat up to and with it is the
 * beginning of the whole one. A template that writes earlier turns otherwise (Qwen 3 leaves out their reasoning block)
 * is asked with a mark in the turn's place: the turn is learned if its content still stands there word for word.
 */
function earlierTurn(
  render: Render,
  { context, answer, turn, whole, promptEnd, tokens }: EarlierTurn,
): { start: number; end: number } | null {
  const before = [...context, ...answer.slice(0, turn)];
  const start = turn === 0 ? promptEnd : turnStart(render, before, [whole]);
  const through = cutBehindTurn(render([...before, answer[turn]!], false), tokens);
  if (start !== null && whole.startsWith(through)) return { start, end: through.length };
  const marked = render([...before, mark, ...answer.slice(turn + 1)], false);
  const at = marked.indexOf(mark.content);
  if (at === -1 || !whole.startsWith(marked.slice(0, at))) return null;
  const behind = marked.slice(at + mark.content.length);
  // The whole chat was cut behind its last turn, the marked one was not.
  const rest = cutBehindTurn(behind, tokens);
  const end = whole.length - rest.length;
  if (end <= at || !whole.endsWith(rest) || whole.slice(at, end).trim() !== answer[turn]!.content.trim()) return null;
  const endOfTurn = behind.length - behind.trimStart().length;
  const closing = tokens.addedTokenAtStart(behind.slice(endOfTurn))?.length ?? 0;
  return { start: start !== null && start <= at ? start : at, end: end + (closing === 0 ? 0 : endOfTurn + closing) };
}

/** The text without the white space behind its last special token, which belongs to the next turn. */
function cutBehindTurn(text: string, tokens: TurnTokens): string {
  const trimmed = text.trimEnd();
  return tokens.addedTokenAtEnd(trimmed) === null ? text : trimmed;
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
