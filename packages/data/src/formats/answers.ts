// SPDX-License-Identifier: Apache-2.0
import { JsonNumber } from '@llmf/jinja';
import type { ResponseRole, StandardRowKind } from '@llmf/training';
import { RowProblem } from '../readers/row-reader.js';
import { asNumber, asStructure, asText, type Cells } from './cells.js';
import { sameMessages, turnText } from './compare-turns.js';
import type { WantedRows } from './data-format.js';
import type { ColumnRole } from './columns.js';
import type { Answer, ChatExample, Message } from './example.js';
import { isMessages, readMessages } from './messages.js';

type AnsweredKind = Exclude<StandardRowKind, 'text' | 'prompt' | 'classified' | 'similar'>;

/** What the answer columns of a row can serve as, the most specific first. */
export function rowKindsOf(has: (role: ColumnRole) => boolean): AnsweredKind[] {
  const kinds: AnsweredKind[] = [];
  if (has('chosen') && has('rejected')) kinds.push('pair');
  if (has('responses')) kinds.push('group');
  if (has('label') && (has('response') || has('messages'))) kinds.push('labelled');
  // A conversation with chosen and rejected beside it ends with the question that they answer.
  if (has('response') || (has('messages') && !kinds.includes('pair'))) kinds.push('single');
  return kinds;
}

/**
 * Conversions that lose nothing of what is asked: a pair gives its chosen answer, or two labelled ones, or a group of two;
 * a ranking gives its best answer, or pairs of a better and a worse one.
 */
const servedBy: Readonly<Record<AnsweredKind, readonly AnsweredKind[]>> = {
  pair: ['pair', 'group'],
  single: ['single', 'pair', 'group'],
  labelled: ['labelled', 'pair'],
  group: ['group', 'pair'],
};

/** The kind of row to read, or null when the row cannot serve. A labelled row is no supervised example: it may be bad. */
export function chooseKind(
  wanted: Exclude<WantedRows, 'prompt'>,
  kinds: readonly StandardRowKind[],
): AnsweredKind | null {
  if (wanted === 'any') return (kinds[0] as AnsweredKind | undefined) ?? null;
  if (wanted === 'text') return kinds.includes('single') ? 'single' : null;
  if (wanted === 'classified' || wanted === 'similar') return null;
  if (wanted === 'single' && kinds.includes('labelled')) return null;
  return servedBy[wanted].find((kind) => kinds.includes(kind)) ?? null;
}

export type ChatParts = Omit<ChatExample, 'kind' | 'answers'>;

/** Joins a prompt and the answers of the row's answer columns into the examples that are wanted. */
export function withAnswers(cells: Cells, wanted: WantedRows, parts: ChatParts): ChatExample[] {
  // A prompt by itself; the row's answers, where it has some, are left out.
  if (wanted === 'prompt') return [{ kind: 'chat', ...parts, answers: [] }];
  const kind = chooseKind(
    wanted,
    rowKindsOf((role) => cells.has(role)),
  );
  if (kind === null) throw new RowProblem(missingAnswers(cells, wanted));
  const answer = (role: ColumnRole, as: ResponseRole) => {
    const where = `column ${cells.column(role)}`;
    return withoutPrompt(readAnswer(cells.required(role), where, as, cells), parts, where);
  };
  const example = (answers: Answer[]): ChatExample => ({
    kind: 'chat',
    ...parts,
    answers,
    isPlain:
      parts.isPlain && answers.every(({ messages }) => messages.length === 1 && messages[0]!.toolCalls === undefined),
  });

  if (kind === 'labelled') return [example([answer('response', readLabel(cells))])];
  if (kind === 'single') return [example([answer('response', 'response')])];
  if (kind === 'group') {
    const ranked = rankedAnswers(cells, wanted);
    if (wanted === 'pair') return pairsOf(ranked, cells).map(example);
    const answers = ranked.map((each) => each.answer);
    return [example(wanted === 'single' ? answers.slice(0, 1) : answers)];
  }
  const chosen = answer('chosen', 'chosen');
  if (wanted === 'single' || wanted === 'text') return [example([{ ...chosen, role: 'response' }])];
  const rejected = answer('rejected', 'rejected');
  if (wanted !== 'any' && sameMessages(chosen.messages, rejected.messages))
    throw new RowProblem('chosen equals rejected');
  if (wanted === 'labelled')
    return [example([{ ...chosen, role: 'desirable' }]), example([{ ...rejected, role: 'undesirable' }])];
  if (wanted === 'group') return [example([chosen, rejected].map((each) => ({ ...each, role: 'response' as const })))];
  return [example([chosen, rejected])];
}

/**
 * An answer that repeats the prompt (a whole conversation, as UltraFeedback has them) without it, so that both answers
 * follow one prompt. @throws RowProblem where it follows another one.
 */
function withoutPrompt(answer: Answer, { system, messages }: ChatParts, where: string): Answer {
  const [first] = answer.messages;
  const prompts = [messages, ...(system === undefined ? [] : [[system, ...messages]])];
  const repeated = prompts.find(
    (prompt) =>
      prompt.length > 0 &&
      answer.messages.length > prompt.length &&
      prompt.every((message, at) => turnText(message) === turnText(answer.messages[at]!)),
  );
  if (repeated !== undefined) return { ...answer, messages: answer.messages.slice(repeated.length) };
  if (first!.role === 'user' || first!.role === 'system')
    throw new RowProblem(`${where} begins with a ${first!.role} turn that is not the prompt of the row`);
  return answer;
}

function missingAnswers(cells: Cells, wanted: WantedRows): string {
  if (wanted === 'single' && cells.has('label')) return 'the row is labelled good or bad; it is no supervised example';
  const needed: Record<string, readonly ColumnRole[]> = {
    pair: ['chosen', 'rejected'],
    labelled: ['response', 'label'],
    group: ['responses'],
  };
  const columns = (needed[wanted] ?? ['response']).filter((role) => !cells.has(role)).map((role) => cells.column(role));
  return `column ${columns.join(' and ')} is missing or null`;
}

/** An answer cell: a plain string, one message or a list of messages that ends with the assistant's. */
export function readAnswer(value: unknown, where: string, role: ResponseRole, cells: Cells): Answer {
  const messages: Message[] = isMessages(value)
    ? readMessages(value, where, cells)
    : [{ role: 'assistant', content: asText(value, where) }];
  return { role, messages: checkedAnswer(messages, where) };
}

/** @throws RowProblem unless the turns end with a non-empty one of the assistant. */
export function checkedAnswer(messages: readonly Message[], where: string): readonly Message[] {
  const last = messages.at(-1)!;
  if (last.role !== 'assistant') throw new RowProblem(`${where} does not end with the assistant's turn`);
  if (isEmpty(last)) throw new RowProblem(`${where} is an empty answer`);
  return messages;
}

/** It says nothing: no text, no call, no reasoning. */
export const isEmpty = ({ content, toolCalls, reasoning }: Message) =>
  content.trim() === '' && toolCalls === undefined && reasoning === undefined;

/** KTO's label: true, 1, "true", "desirable", "good" and their opposites. */
export function readLabel(cells: Cells): 'desirable' | 'undesirable' {
  const label = cells.required('label');
  const word = (label instanceof JsonNumber ? String(Number(label)) : String(label)).toLowerCase();
  if (['true', '1', 'desirable', 'good', 'yes'].includes(word)) return 'desirable';
  if (['false', '0', '-1', 'undesirable', 'bad', 'no'].includes(word)) return 'undesirable';
  throw new RowProblem(`column ${cells.column('label')} is ${JSON.stringify(label)}, neither true nor false`);
}

interface Ranked {
  readonly answer: Answer;
  readonly score: number;
}

/**
 * A list of answers, best first: by `scores` when the row has them, else in the order given.
 * @throws RowProblem where a ranking is wanted and two answers have one score
 */
function rankedAnswers(cells: Cells, wanted: WantedRows): Ranked[] {
  const where = `column ${cells.column('responses')}`;
  const list = asStructure(cells.required('responses'), where);
  if (!Array.isArray(list) || list.length < 2) throw new RowProblem(`${where} is not a list of at least two answers`);
  const answers = list.map((value: unknown, at) =>
    readAnswer(value, `answer ${at + 1} of ${where}`, 'response', cells),
  );
  if (!cells.has('scores')) return answers.map((answer, at) => ({ answer, score: -at }));
  const scoresWhere = `column ${cells.column('scores')}`;
  const scores = asStructure(cells.required('scores'), scoresWhere);
  if (!Array.isArray(scores) || scores.length !== answers.length) {
    throw new RowProblem(`${scoresWhere} is not a list of ${answers.length} numbers`);
  }
  const numbers = scores.map((score) => asNumber(score, scoresWhere));
  if (wanted === 'group' && new Set(numbers).size < numbers.length)
    throw new RowProblem(`${scoresWhere} gives two answers the same score, so it does not rank them`);
  return answers.map((answer, at) => ({ answer, score: numbers[at]! })).toSorted((a, b) => b.score - a.score);
}

/**
 * Pairs of a better and a worse answer, those of the best first; at most ten of a row, as StackLLaMA takes them of a
 * question (Beeching et al., 2023). @throws RowProblem where no answer is better than another
 */
function pairsOf(ranked: readonly Ranked[], cells: Cells): Answer[][] {
  const pairs = ranked.flatMap((better, at) =>
    ranked
      .slice(at + 1)
      .filter(({ score }) => score < better.score)
      .filter((worse) => !sameMessages(better.answer.messages, worse.answer.messages))
      .map((worse): Answer[] => [
        { ...better.answer, role: 'chosen' },
        { ...worse.answer, role: 'rejected' },
      ]),
  );
  if (pairs.length === 0) throw new RowProblem(`column ${cells.column('responses')} has no answer better than another`);
  return pairs.slice(0, 10);
}
