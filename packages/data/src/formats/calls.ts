// SPDX-License-Identifier: Apache-2.0
import { parseJson } from '@llmf/jinja';
import { RowProblem } from '../readers/row-reader.js';
import { asStructure } from './cells.js';
import type { ToolCall } from './example.js';

/** A turn that is one function call, or a list of them, written as JSON. */
export function parseCalls(value: unknown, where: string): ToolCall[] {
  const structure = asStructure(value, `the function call of ${where}`);
  return (Array.isArray(structure) ? structure : [structure]).map((call) => readCall(call, where));
}

function readCall(value: unknown, where: string): ToolCall {
  const call = value as { name?: unknown; arguments?: unknown; id?: unknown } | null;
  if (typeof call?.name !== 'string') throw new RowProblem(`a function call of ${where} has no name`);
  const given = call.arguments ?? {};
  // Arguments are often JSON inside JSON; templates want the object.
  const parsed = typeof given === 'string' ? tryJson(given) : given;
  return { name: call.name, arguments: parsed, ...(typeof call.id === 'string' && { fields: { id: call.id } }) };
}

function tryJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** OpenAI's `tool_calls`: `[{ function: { name, arguments } }]`, or the inner objects themselves. */
export function readCalls(value: unknown, where: string): ToolCall[] {
  const list = asStructure(value, `tool_calls of ${where}`);
  if (!Array.isArray(list)) throw new RowProblem(`tool_calls of ${where} is not a list`);
  return list.map((call: unknown) => {
    const { function: inner, ...beside } = (call ?? {}) as Record<string, unknown>;
    if (inner === undefined || inner === null) return readCall(call, where);
    const fields = Object.entries(beside).filter(([, value]) => value !== null && value !== undefined);
    return { ...readCall(inner, where), ...(fields.length > 0 && { fields: Object.fromEntries(fields) }) };
  });
}
