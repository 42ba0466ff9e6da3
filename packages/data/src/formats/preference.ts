// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import { withAnswers, type ChatParts } from './answers.js';
import { asText, type Cells } from './cells.js';
import { turnKey } from './compare-turns.js';
import type { DataFormat, WantedRows } from './data-format.js';
import type { ChatExample, Example } from './example.js';
import { openaiTags, readInstruction } from './instruction.js';
import { isMessages, messageList, readMessages } from './messages.js';
import { systemTurn, withoutSystem } from './system-turn.js';
import { readTools } from './tools.js';

/**
 * TRL's preference rows: chosen and rejected, as strings or messages. Without a prompt column the prompt is what both
 * have in common at their beginning (TRL's `extract_prompt`): common turns, or common characters of two strings.
 */
export const preference: DataFormat = {
  name: 'preference',
  description: 'prompt, chosen, rejected (strings or messages); without prompt it is the common beginning',
  tags: openaiTags,
  columns: {
    prompt: ['prompt', 'question', 'query'],
    chosen: ['chosen', 'chosen_messages'],
    rejected: ['rejected', 'rejected_messages'],
    system: ['system', 'system_prompt'],
    history: ['history'],
    tools: ['tools', 'functions'],
    images: ['images', 'image'],
    videos: ['videos', 'video'],
    audios: ['audios', 'audio'],
    weight: [],
  },
  recognisedBy: [['chosen', 'rejected']],
  read: (cells, wanted) => (cells.has('prompt') ? readInstruction(cells, wanted) : readImplicit(cells, wanted)),
};

function readImplicit(cells: Cells, wanted: WantedRows): Example[] {
  const [chosen, rejected] = [cells.required('chosen'), cells.required('rejected')];
  if (isMessages(chosen) !== isMessages(rejected)) throw new RowProblem('chosen and rejected are of different types');
  return isMessages(chosen) ? splitMessages(cells, wanted, chosen, rejected) : splitStrings(cells, wanted);
}

function splitMessages(cells: Cells, wanted: WantedRows, chosen: unknown, rejected: unknown): Example[] {
  const [oursAt, theirsAt] = [`column ${cells.column('chosen')}`, `column ${cells.column('rejected')}`];
  const ours = readMessages(chosen, oursAt, cells);
  const theirs = readMessages(rejected, theirsAt, cells);
  const common = commonLength(ours.map(turnKey), theirs.map(turnKey));
  if (common === ours.length && common === theirs.length) throw new RowProblem('chosen equals rejected');
  if (common === 0) throw new RowProblem('chosen and rejected have no turn in common, so there is no prompt');
  const prompt = ours.slice(0, common);
  const system = systemTurn(prompt, cells);
  const tools = readTools(cells);
  const parts: ChatParts = {
    ...(system !== undefined && { system }),
    messages: withoutSystem(prompt),
    ...(tools !== undefined && { tools }),
    isPlain: false,
    ...cells.common(),
  };
  const rest = cells.replacing({
    chosen: messageList(chosen, oursAt).slice(common),
    rejected: messageList(rejected, theirsAt).slice(common),
  });
  return withAnswers(rest, wanted, parts);
}

function splitStrings(cells: Cells, wanted: WantedRows): ChatExample[] {
  const chosen = asText(cells.required('chosen'), `column ${cells.column('chosen')}`);
  const rejected = asText(cells.required('rejected'), `column ${cells.column('rejected')}`);
  if (chosen === rejected) throw new RowProblem('chosen equals rejected');
  const common = [...chosen];
  let length = commonLength(common, [...rejected]);
  // A space before the first difference belongs to the answers.
  if (common[length - 1] === ' ') length--;
  const prompt = common.slice(0, length).join('');
  if (prompt === '') throw new RowProblem('chosen and rejected have no beginning in common, so there is no prompt');
  const parts: ChatParts = {
    messages: [{ role: 'user', content: prompt }],
    isPlain: true,
    ...cells.common(),
  };
  const rest = cells.replacing({ chosen: chosen.slice(prompt.length), rejected: rejected.slice(prompt.length) });
  return withAnswers(rest, wanted, parts);
}

function commonLength(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
