// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import { turnText } from './compare-turns.js';
import type { Answer, ChatExample, Message } from './example.js';
import { learnHistory } from './instruction.js';

/** Where a turn begins in a dialogue that is written as one text. */
const border = /(?:^\s*|\n\n)(Human|Assistant):/g;

/**
 * The turns of a dialogue that is written as one text, `\n\nHuman: … \n\nAssistant: …` (HH-RLHF: Bai et al., 2022,
 * arXiv:2204.05862), without the spaces around them; an answer that is only begun is left out. null: it is no such text.
 */
export function dialogueTurns(text: string): Message[] | null {
  if (!/^\s*Human:/.test(text) || !text.includes('\n\nAssistant:')) return null;
  const borders = [...text.matchAll(border)];
  const turns = borders.map(({ index, 0: { length }, 1: name }, at): Message => {
    const content = text.slice(index + length, borders[at + 1]?.index).trim();
    return { role: name === 'Human' ? 'user' : 'assistant', content };
  });
  const last = turns.at(-1)!;
  return last.role === 'assistant' && last.content === '' ? turns.slice(0, -1) : turns;
}

/** The turns of such a text up to its last question. */
export function askedTurns(text: string): Message[] | null {
  const turns = dialogueTurns(text);
  return turns === null ? null : turns.slice(0, turns.findLastIndex(({ role }) => role === 'user') + 1);
}

/**
 * A plain prompt with its plain answers as the chat that they are written out of; null where they are none.
 * @throws RowProblem where the answers do not follow one question
 */
export function dialogueOf(example: ChatExample): ChatExample | null {
  const { isPlain, messages, answers } = example;
  if (!isPlain || messages.length !== 1) return null;
  const prompt = messages[0]!.content;
  if (answers.length === 0) {
    const turns = askedTurns(prompt);
    return turns === null ? null : { ...example, messages: turns, isPlain: false };
  }
  const chats = answers.map((answer) => dialogueTurns(joined(prompt, answer.messages[0]!.content)));
  if (!chats.every((turns) => turns !== null)) return null;
  if (chats.some((turns) => turns.at(-1)!.role !== 'assistant'))
    throw new RowProblem('the dialogue does not end with an answer');
  const start = sharedTurns(chats);
  if (chats[0]![start - 1]?.role !== 'user')
    throw new RowProblem('the answers of the dialogue do not follow one question');
  const after = answers.map((answer, at): Answer => ({ ...answer, messages: chats[at]!.slice(start) }));
  return learnHistory({ ...example, messages: chats[0]!.slice(0, start), answers: after, isPlain: false });
}

/** A prompt and its answer as one text; the answer may repeat the prompt, or leave out whose it is. */
function joined(prompt: string, answer: string): string {
  if (answer.trimStart().startsWith(prompt.trim())) return answer;
  if (/^\s*(Human|Assistant):/.test(answer)) return `${prompt.trimEnd()}\n\n${answer.trimStart()}`;
  const speaker = [...prompt.matchAll(border)].at(-1)?.[1];
  const isNamed = speaker === 'Assistant' || /\n\nAssistant:/.test(answer) || !prompt.includes('\n\nAssistant:');
  return isNamed ? prompt + answer : `${prompt}\n\nAssistant: ${answer}`;
}

/** How many turns all begin with; of one dialogue alone all but its last. */
function sharedTurns(chats: readonly (readonly Message[])[]): number {
  const most = Math.min(...chats.map(({ length }) => length)) - 1;
  for (let turn = 0; turn < most; turn++) {
    if (new Set(chats.map((turns) => turnText(turns[turn]!))).size > 1) return turn;
  }
  return most;
}
