// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';

/** `llmf env` */
export function declareEnv(program: Command, { io }: CommandContext): void {
  program
    .command('env')
    .summary('print versions, hardware and backends')
    .description(
      'Print what a bug report needs: versions, processor, memory, what each backend found or why it cannot start.',
    )
    .action(async () => {
      const { envCommand } = await import('../env-command.js');
      await envCommand(io);
    });
}
