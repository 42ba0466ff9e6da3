// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { GenerateFlags } from '../generate-command.js';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';
import { addSamplingOptions } from './sampling-options.js';

/** `llmf generate --model DIR [--adapter DIR] --prompt TEXT [--image FILE]… [--greedy] [--max-new-tokens N]` */
export function declareGenerate(program: Command, { io }: CommandContext): void {
  const command = program
    .command('generate')
    .summary('let a model answer a prompt')
    .description('Print what the model answers, on standard output and nothing else there.')
    .requiredOption('--prompt <text>', 'the user’s message; with --template none, the text to go on from')
    .option('--image <file>', 'a picture of the prompt; may be given several times', collect);
  addSamplingOptions(command).action(async (settings: string[], flags: GenerateFlags) => {
    const { generateCommand } = await import('../generate-command.js');
    await generateCommand(io, settings, flags);
  });
}
