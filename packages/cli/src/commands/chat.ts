// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { ChatFlags } from '../chat-command.js';
import type { CommandContext } from '../declare-command.js';
import { addSamplingOptions } from './sampling-options.js';

/** `llmf chat --model DIR [--adapter DIR]` */
export function declareChat(program: Command, { io }: CommandContext): void {
  const command = program
    .command('chat')
    .summary('talk to a model')
    .description('Talk to a model line by line; it remembers the conversation. An empty line or /exit ends it.');
  addSamplingOptions(command).action(async (settings: string[], flags: ChatFlags) => {
    const { chatCommand } = await import('../chat-command.js');
    await chatCommand(io, settings, flags);
  });
}
