// SPDX-License-Identifier: Apache-2.0
import type { RowChat, RowSource } from '@llmf/training';
import type { Example } from '../formats/example.js';

/** What a row is before it becomes tokens, as JSON. Bytes (pictures) are left out: they are read as media. */
export function sourceText(raw: unknown, example: Example): string {
  const source: RowSource = { columns: raw as RowSource['columns'], chat: chatOf(example) };
  return JSON.stringify(source, (_, value: unknown) => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    return ArrayBuffer.isView(value) || isBufferJson(value) ? undefined : value;
  });
}

function chatOf(example: Example): RowChat | null {
  if (example.kind !== 'chat') return null;
  const { system, messages, tools, isPlain } = example;
  return {
    ...(system !== undefined && { system: system.content }),
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...(tools !== undefined && { tools }),
    isPlain,
  };
}

/** What a Buffer says of itself to JSON. */
const isBufferJson = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer' && 'data' in value;
