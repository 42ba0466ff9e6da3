// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import { isEmpty, withAnswers, type ChatParts } from './answers.js';
import { asStructure, asText, type Cells } from './cells.js';
import type { DataFormat, WantedRows } from './data-format.js';
import type { Tags } from './columns.js';
import type { Example, Message } from './example.js';
import { isMessages, readMessages } from './messages.js';
import { systemTurn, withoutSystem } from './system-turn.js';
import { readTools } from './tools.js';

export const openaiTags: Tags = {
  role: 'role',
  content: 'content',
  user: 'user',
  assistant: 'assistant',
  observation: 'tool',
  function: 'function_call',
  system: 'system',
};

const shared = {
  system: ['system', 'system_prompt'],
  history: ['history'],
  tools: ['tools', 'functions'],
  images: ['images', 'image'],
  videos: ['videos', 'video'],
  audios: ['audios', 'audio'],
  weight: [],
} as const;

/** Alpaca and Dolly: instruction, optional input (or context), output (or response); history as pairs; ranking form with chosen and rejected, or a label. */
export const alpaca = instructionFormat({
  name: 'alpaca',
  description:
    'instruction, input or context, output or response (or chosen and rejected; or output and kto_tag), system, history',
  columns: {
    prompt: ['instruction'],
    query: ['input', 'context'],
    response: ['output', 'response'],
    chosen: ['chosen'],
    rejected: ['rejected'],
    label: ['kto_tag', 'label'],
    ...shared,
  },
  recognisedBy: [
    ['prompt', 'response'],
    ['prompt', 'chosen', 'rejected'],
  ],
});

/** MedicalGPT's reward data: question, response_chosen, response_rejected, with system and history. */
export const medicalgpt = instructionFormat({
  name: 'medicalgpt',
  description: 'question, context, response_chosen, response_rejected (or answer), system, history',
  columns: {
    prompt: ['question'],
    query: ['context'],
    response: ['response', 'answer'],
    chosen: ['response_chosen'],
    rejected: ['response_rejected'],
    ...shared,
  },
  recognisedBy: [
    ['prompt', 'chosen', 'rejected'],
    ['prompt', 'response'],
  ],
});

/** TRL's prompt and completion, strings or messages; with a label it is an unpaired preference. */
export const promptCompletion = instructionFormat({
  name: 'prompt-completion',
  description: 'prompt, completion (strings or messages), optional label (true or false)',
  columns: { prompt: ['prompt'], response: ['completion', 'response'], label: ['label'], ...shared },
  recognisedBy: [['prompt', 'response']],
});

/** One prompt and several answers, with scores or best first. */
export const ranked = instructionFormat({
  name: 'ranked',
  description: 'prompt, responses (a list, best first, or with a list of scores)',
  columns: {
    prompt: ['prompt', 'question', 'instruction'],
    responses: ['responses', 'completions', 'answers'],
    scores: ['scores', 'rewards'],
    ...shared,
  },
  recognisedBy: [['prompt', 'responses']],
});

/** Prompts without answers: questions that are still to be answered. */
export const prompts = instructionFormat({
  name: 'prompts',
  description: 'prompt (a string or messages), without an answer; system, history',
  columns: { prompt: ['prompt', 'question', 'query', 'instruction'], query: ['input'], ...shared },
  recognisedBy: [['prompt']],
});

type InstructionShape = Pick<DataFormat, 'name' | 'description' | 'columns' | 'recognisedBy'>;

function instructionFormat(shape: InstructionShape): DataFormat {
  return { ...shape, tags: openaiTags, read: readInstruction };
}

export function readInstruction(cells: Cells, wanted: WantedRows): Example[] {
  const { query, isPlain, messages } = readPrompt(cells);
  if (wanted === 'text' && !cells.has('response') && !cells.has('chosen')) {
    // A data set described for pretraining names its text column as the prompt.
    const text = messages.map(({ content }) => content).join('\n');
    if (text.trim() === '') throw new RowProblem(`column ${cells.column('prompt')} is empty`);
    return [{ kind: 'text', text, ...cells.common() }];
  }
  const history = readHistory(cells);
  const tools = readTools(cells);
  const system = systemTurn(messages, cells);
  const turns = [...history, ...withoutSystem(messages)];
  // Scoring may ask for the probability of a text as such.
  if (turns.length === 0 || (query === '' && wanted !== 'any'))
    throw new RowProblem(`column ${cells.column('prompt')} is empty`);
  const parts: ChatParts = {
    ...(system !== undefined && { system }),
    messages: turns,
    ...(tools !== undefined && { tools }),
    isPlain: isPlain && history.length === 0 && system === undefined && tools === undefined,
    ...cells.common(),
  };
  const examples = withAnswers(cells, wanted, parts);
  return wanted === 'single' || wanted === 'any' ? examples.map(learnHistory) : examples;
}

/** The prompt column (a string or messages), with the query column behind it on a line of its own. */
function readPrompt(cells: Cells): { messages: Message[]; query: string; isPlain: boolean } {
  const value = cells.required('prompt');
  if (isMessages(value)) {
    return {
      messages: readMessages(value, `column ${cells.column('prompt')}`, cells),
      query: 'messages',
      isPlain: false,
    };
  }
  const query = [cells.text('prompt'), cells.optionalText('query') ?? ''].filter((part) => part !== '').join('\n');
  return { messages: [{ role: 'user', content: query }], query, isPlain: true };
}

/** Earlier turns as pairs of question and answer. */
function readHistory(cells: Cells): Message[] {
  const where = `column ${cells.column('history')}`;
  const value = cells.value('history');
  if (value === null || value === '') return [];
  const list = asStructure(value, where);
  if (!Array.isArray(list)) throw new RowProblem(`${where} is not a list of pairs`);
  return list.flatMap((pair: unknown): Message[] => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new RowProblem(`${where} is not a list of pairs`);
    return [
      { role: 'user', content: asText(pair[0], where) },
      { role: 'assistant', content: asText(pair[1], where) },
    ];
  });
}

/**
 * In supervised data the answers of earlier turns are learned too: the prompt ends before the first of them.
 * @throws RowProblem where one of them is empty: a model would learn to end at once
 */
export function learnHistory<E extends Example>(example: E): E {
  if (example.kind !== 'chat' || example.answers.length !== 1 || example.answers[0]!.role !== 'response')
    return example;
  const first = example.messages.findIndex(({ role }) => role === 'assistant');
  if (first === -1) return example;
  const answer = example.answers[0]!;
  const messages = [...example.messages.slice(first), ...answer.messages];
  if (messages.some((each) => each.role === 'assistant' && each.isMasked !== true && isEmpty(each)))
    throw new RowProblem('an earlier answer of the chat is empty');
  return { ...example, messages: example.messages.slice(0, first), answers: [{ ...answer, messages }] };
}
