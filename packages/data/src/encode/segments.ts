// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { ChatTemplate } from '../templates/chat-template.js';

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
  /** The text up to and with its last special token when only white space follows; else the whole text. */
  readonly trimEnd: (text: string) => string;
}

/**
 * Renders the prompt with its generation prompt, then each whole chat; the answer is what the second has beyond the
 * first, up to and with the end-of-turn token. Turns inside a longer answer are found by rendering the chat up to them.
 * @throws RowProblem when the template refuses the chat or writes another prompt once an answer follows.
 */
export function renderChat(template: ChatTemplate, chat: ChatToRender): RenderedChat {
  const { context, tools } = chat;
  const render = (messages: readonly Message[], addGenerationPrompt: boolean) =>
    template.render(messages, { addGenerationPrompt, tools });
  const wholes = chat.answers.map((answer) => chat.trimEnd(render([...context, ...answer], false)));
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
      const start = turn === 0 ? promptEnd : turnStart(render, [...context, ...answer.slice(0, turn)], [whole]);
      const through =
        turn === answer.length - 1 ? whole : chat.trimEnd(render([...context, ...answer.slice(0, turn + 1)], false));
      if (start === null || start < done || !whole.startsWith(through)) {
        rewrittenTurns++;
        return;
      }
      add(start, false);
      add(through.length, true);
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

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
