// SPDX-License-Identifier: Apache-2.0
import type { Cells } from './cells.js';
import type { Message } from './example.js';

/** The system turn of a chat: its own, which may be empty, stands above the row's column. */
export function systemTurn(messages: readonly Message[], cells: Cells): Message | undefined {
  if (messages[0]?.role === 'system') return messages[0];
  const content = cells.optionalText('system') ?? '';
  return content === '' ? undefined : { role: 'system', content };
}

/** The turns behind the system turn. */
export const withoutSystem = (messages: readonly Message[]): readonly Message[] =>
  messages[0]?.role === 'system' ? messages.slice(1) : messages;
