// SPDX-License-Identifier: Apache-2.0
import { JsonNumber } from '@llmf/jinja';
import { OtherValue, RowProblem } from '../readers/row-reader.js';
import { asStructure, asText, checkPlain, type Cells } from './cells.js';
import { readContent } from './content.js';
import type { Tags } from './columns.js';
import type { Message, ToolCall } from './example.js';
import { otherFields, readMask } from './message-fields.js';
import { parseCalls, readCalls } from './calls.js';

/** Role names in use besides the tags of the file. */
const aliases: Readonly<Record<string, Message['role'] | 'function'>> = {
  system: 'system',
  developer: 'system',
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  chatgpt: 'assistant',
  observation: 'tool',
  tool: 'tool',
  tool_response: 'tool',
  function_response: 'tool',
  function_call: 'function',
  tool_call: 'function',
};

/** Keys that messages use for role and content besides the tags. */
const roleKeys = ['role', 'from'];
const contentKeys = ['content', 'value'];

/** A list of messages, or one message, in canonical roles. */
export function readMessages(value: unknown, where: string, cells: Cells): Message[] {
  const list = messageList(value, where);
  return list.map((item, at) => readMessage(item, list.length > 1 ? `message ${at + 1} of ${where}` : where, cells));
}

/** The messages as the file has them. */
export function messageList(value: unknown, where: string): readonly unknown[] {
  const structure = asStructure(value, where);
  const list = Array.isArray(structure) ? (structure as unknown[]) : [structure];
  if (list.length === 0) throw new RowProblem(`${where} is empty`);
  return list;
}

const notStructures = [JsonNumber, OtherValue, Uint8Array];

/** Whether a cell holds messages rather than a plain string. @throws RowProblem for a Python list written as text. */
export function isMessages(value: unknown): boolean {
  if (typeof value === 'object') return value !== null && !notStructures.some((kind) => value instanceof kind);
  if (typeof value !== 'string') return false;
  if (/^\s*\[?\s*\{\s*'(?:role|from|content|value)'\s*:/.test(value))
    throw new RowProblem(
      'messages are written as a Python list (single quotes), not as JSON; write the column with json.dumps, or Parquet',
    );
  return /^\s*\[\s*\{/.test(value) && /"(?:role|from)"/.test(value);
}

function readMessage(item: unknown, where: string, cells: Cells): Message {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw new RowProblem(`${where} is not an object`);
  const fields = item as Record<string, unknown>;
  checkPlain(fields, where);
  const tags = cells.tags;
  const role = canonicalRole(pick(fields, [tags.role, ...roleKeys]), tags, where);
  const content = pick(fields, [tags.content, ...contentKeys]);
  const isAnswer = role === 'assistant' || role === 'function';
  const others = otherFields(fields, [tags.role, tags.content]);
  const common = {
    ...(readMask(fields, isAnswer, where) && { isMasked: true }),
    ...(others !== undefined && { fields: others }),
  };
  if (role === 'function') return { role: 'assistant', content: '', toolCalls: parseCalls(content, where), ...common };
  const toolCalls = callsOf(fields, where);
  const parts = readContent(content, where, toolCalls.length > 0, cells);
  const reasoning = parts.reasoning ?? reasoningOf(fields, where);
  return {
    role,
    content: parts.text,
    ...(parts.media !== undefined && { media: parts.media }),
    ...(toolCalls.length + parts.toolCalls.length > 0 && { toolCalls: [...toolCalls, ...parts.toolCalls] }),
    ...(reasoning !== undefined && { reasoning }),
    ...common,
  };
}

/** The same text under any of its names. */
function reasoningOf(fields: Record<string, unknown>, where: string): string | undefined {
  const name = ['reasoning_content', 'reasoning', 'thinking'].find((key) => (fields[key] ?? '') !== '');
  return name === undefined ? undefined : asText(fields[name], `${name} of ${where}`);
}

/** `tool_calls`, or the one `function_call` of older data. */
function callsOf(fields: Record<string, unknown>, where: string): ToolCall[] {
  const calls = fields['tool_calls'];
  if (calls !== undefined && calls !== null) return readCalls(calls, where);
  const call = fields['function_call'];
  return call === undefined || call === null ? [] : parseCalls(call, where);
}

function pick(fields: Record<string, unknown>, keys: readonly string[]): unknown {
  return fields[keys.find((key) => key in fields) ?? ''];
}

function canonicalRole(value: unknown, tags: Tags, where: string): Message['role'] | 'function' {
  if (typeof value !== 'string') throw new RowProblem(`${where} has no role`);
  if (value === tags.user) return 'user';
  if (value === tags.assistant) return 'assistant';
  if (value === tags.system) return 'system';
  if (value === tags.observation) return 'tool';
  if (value === tags.function) return 'function';
  const role = aliases[value];
  if (role === undefined) throw new RowProblem(`${where} has the unknown role ${JSON.stringify(value)}`);
  return role;
}
