// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import { checkedAnswer, chooseKind, readLabel, rowKindsOf, withAnswers, type ChatParts } from './answers.js';
import type { Cells } from './cells.js';
import { turnText } from './compare-turns.js';
import type { DataFormat, WantedRows } from './data-format.js';
import type { Tags } from './columns.js';
import type { Example, Message } from './example.js';
import { learnHistory, openaiTags } from './instruction.js';
import { isMessages, readMessages } from './messages.js';
import { systemTurn, withoutSystem } from './system-turn.js';
import { readTools } from './tools.js';

const sharegptTags: Tags = {
  role: 'from',
  content: 'value',
  user: 'human',
  assistant: 'gpt',
  observation: 'observation',
  function: 'function_call',
  system: 'system',
};

const shared: DataFormat['columns'] = {
  system: ['system', 'system_prompt'],
  tools: ['tools', 'functions'],
  chosen: ['chosen'],
  rejected: ['rejected'],
  label: ['kto_tag', 'label'],
  images: ['images', 'image'],
  videos: ['videos', 'video'],
  audios: ['audios', 'audio'],
  weight: [],
};

/** ShareGPT: a list of `{ from, value }`; in ranking data chosen and rejected answer the conversation. */
export const sharegpt: DataFormat = {
  name: 'sharegpt',
  description: 'conversations: [{ from, value }], system, tools; chosen and rejected, or kto_tag',
  tags: sharegptTags,
  columns: { messages: ['conversations', 'conversation'], ...shared },
  recognisedBy: [['messages']],
  read: readConversation,
};

/** OpenAI's chat layout: a list of `{ role, content }`. */
export const openai: DataFormat = {
  name: 'openai',
  description: 'messages: [{ role, content }], system, tools; chosen and rejected, or label',
  tags: openaiTags,
  columns: { messages: ['messages'], ...shared },
  recognisedBy: [['messages']],
  read: readConversation,
};

function readConversation(cells: Cells, wanted: WantedRows): Example[] {
  const all = readMessages(cells.required('messages'), `column ${cells.column('messages')}`, cells);
  const system = systemTurn(all, cells);
  const turns = withoutSystem(all);
  const tools = readTools(cells);
  const parts: ChatParts = {
    ...(system !== undefined && { system }),
    messages: turns,
    ...(tools !== undefined && { tools }),
    isPlain: false,
    ...cells.common(),
  };
  if (wanted === 'prompt') return withAnswers(cells, wanted, { ...parts, messages: asked(turns) });
  const kind = chooseKind(
    wanted,
    rowKindsOf((role) => cells.has(role)),
  );
  if (kind === 'single' || kind === 'labelled') return [wholeChat(cells, parts, turns, kind)];
  if (turns.length === 0) throw new RowProblem('the conversation holds no question');
  const ranked = { ...parts, messages: rankedPrompt(cells, all, turns) };
  return withAnswers(cells, wanted, ranked).map((example) => (wanted === 'single' ? learnHistory(example) : example));
}

/** What both answers of a ranked row follow: the conversation, which may be one of them whole (UltraFeedback's `messages`). */
function rankedPrompt(cells: Cells, all: readonly Message[], turns: readonly Message[]): readonly Message[] {
  if (turns.at(-1)?.role !== 'assistant') return turns;
  const isAnswer = (['chosen', 'rejected'] as const).some((role) => {
    if (!cells.has(role) || !isMessages(cells.required(role))) return false;
    const answer = readMessages(cells.required(role), `column ${cells.column(role)}`, cells);
    return answer.length === all.length && answer.every((turn, at) => turnText(turn) === turnText(all[at]!));
  });
  if (isAnswer) return asked(turns);
  throw new RowProblem('the conversation of a ranked row ends with the assistant, not with a question');
}

/** The turns up to the last question: an answer behind it is left out. @throws RowProblem where there is none */
function asked(turns: readonly Message[]): readonly Message[] {
  const end = turns.findLastIndex(({ role }) => role !== 'assistant') + 1;
  if (end === 0) throw new RowProblem('the conversation holds no question');
  return turns.slice(0, end);
}

/** A chat that holds its own answers: the last one is labelled, or all of them are learned. */
function wholeChat(cells: Cells, parts: ChatParts, turns: readonly Message[], kind: 'single' | 'labelled'): Example {
  if (turns.length < 2 || turns.every(({ role }) => role !== 'assistant'))
    throw new RowProblem('the chat has no answer');
  if (kind === 'labelled') {
    const answer = checkedAnswer(turns.slice(-1), 'the last turn');
    return {
      kind: 'chat',
      ...parts,
      messages: turns.slice(0, -1),
      answers: [{ role: readLabel(cells), messages: answer }],
    };
  }
  const end = turns.findLastIndex(({ role }) => role === 'assistant') + 1;
  const answers = checkedAnswer(turns.slice(0, end), 'the last answer').slice(-1);
  return learnHistory({
    kind: 'chat',
    ...parts,
    messages: turns.slice(0, end - 1),
    answers: [{ role: 'response', messages: answers }],
    ...(end < turns.length && { wasCut: true }),
  });
}
