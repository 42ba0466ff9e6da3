// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';

/** `llmf run PIPELINE [--resume]` */
export function declareRun(program: Command, { io, setStatus }: CommandContext): void {
  program
    .command('run')
    .summary('run the stages of a pipeline, each on what earlier ones wrote')
    .description(
      'Run the stages of a pipeline in order, each on what earlier ones wrote (from: NAME), and write one report. All configs are checked before the first stage starts.',
    )
    .argument('<pipeline>', 'a YAML, JSON or .mjs file with the stages')
    .option('--resume', 'continue: finished stages are kept, the one that was interrupted goes on from its checkpoint')
    .action(async (file: string, { resume = false }: { resume?: boolean }) => {
      const { runCommand } = await import('../run-command.js');
      setStatus(await runCommand(io, file, { resume, commands: program.commands }));
    });
}
