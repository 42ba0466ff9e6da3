// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import { asNumber, asText, type Cells } from './cells.js';
import type { MediaMark, MediaReference, ToolCall } from './example.js';
import { parseCalls } from './calls.js';

/** What the content of a message says. */
export interface Content {
  text: string;
  reasoning?: string;
  toolCalls: ToolCall[];
  /** Absent where the content was a string: a modality may look for placeholders in it. */
  media?: MediaMark[];
}

type Part = Readonly<Record<string, unknown>>;

/** A string, or a list of parts (text, reasoning, picture, tool call); `<image>` stands where a picture is. */
export function readContent(value: unknown, where: string, mayBeNull: boolean, cells: Cells): Content {
  if (value === null || value === undefined) {
    if (mayBeNull) return { text: '', toolCalls: [] };
    throw new RowProblem(`the content of ${where} is null`);
  }
  if (!Array.isArray(value)) return { text: asText(value, `the content of ${where}`), toolCalls: [] };
  const content = { text: '', toolCalls: [], media: [] as MediaMark[] };
  for (const part of value as unknown[]) readPart(part, where, content, cells);
  return content;
}

function readPart(part: unknown, where: string, content: Content & { media: MediaMark[] }, cells: Cells): void {
  if (typeof part === 'string') return void (content.text += part);
  if (typeof part !== 'object' || part === null)
    throw new RowProblem(`the content of ${where} holds a part that is not an object`);
  const fields = part as Part;
  const kind = mediaKind(fields);
  if (kind !== null) {
    content.media.push({ kind, at: content.text.length, ...readMedia(fields, kind, where, cells) });
    content.text += `<${kind}>`;
    return;
  }
  const type = String(fields['type'] ?? 'text');
  const value = fields[type] ?? fields['text'] ?? fields['value'] ?? fields['content'];
  if (type === 'tool_call') return void content.toolCalls.push(...parseCalls(value, where));
  const lost = Object.keys(fields).find((name) => isStated(fields, name) && !textFields.has(name) && name !== type);
  if (lost !== undefined)
    throw new RowProblem(`a part of ${where} has the field ${JSON.stringify(lost)}, which nothing reads; remove it`);
  const text = asText(value, `a part of ${where}`);
  if (type === 'reasoning' || type === 'thinking') content.reasoning = (content.reasoning ?? '') + text;
  else content.text += text;
}

/** What a text part may say of itself; notes of APIs that change no token. */
const textFields = new Set(['type', 'text', 'value', 'content', 'index', 'annotations', 'cache_control', 'logprobs']);

const isStated = (fields: Part, name: string) => fields[name] !== null && fields[name] !== undefined;

/** By the part's type, or, without one, by the key that it has (Qwen's own documentation). */
function mediaKind(fields: Part): MediaReference['kind'] | null {
  const name = isStated(fields, 'type')
    ? String(fields['type'])
    : Object.keys(fields).find((key) => isStated(fields, key) && /^(?:image|video|audio)/.test(key));
  return (/^(?:input_)?(image|video|audio)/.exec(name ?? '')?.[1] as MediaReference['kind'] | undefined) ?? null;
}

/** The part's own picture as its modality reads it, with whatever else it says of it; or its place in the row's column. */
function readMedia(
  fields: Part,
  kind: MediaReference['kind'],
  where: string,
  cells: Cells,
): Pick<MediaMark, 'reference' | 'index'> {
  const { type, index, text: _, ...said } = fields;
  const names = Object.keys(said).filter((name) => isStated(said, name));
  if (names.length === 0) {
    const isAt = index !== null && index !== undefined;
    return { reference: null, ...(isAt && { index: asNumber(index, `index of a part of ${where}`) }) };
  }
  const own = [String(type ?? kind), kind, `${kind}_url`, 'value', 'url', 'path'];
  const isPlain = names.length === 1 && own.includes(names[0]!);
  const value = isPlain ? unwrapUrl(said[names[0]!]) : Object.fromEntries(names.map((name) => [name, said[name]]));
  return { reference: cells.mediaReference(kind, value) };
}

/** OpenAI's `{ url }`. */
const unwrapUrl = (value: unknown) =>
  typeof value === 'object' && value !== null && 'url' in value ? (value as { url: unknown }).url : value;
