// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';
import type { InitFlags } from '../init-command.js';
import { collect } from './collect.js';
import { wholeNumberFrom0 } from './numbers.js';

/** `llmf init DIR --config CONFIG.json --tokenizer DIR [--seed N]` */
export function declareInit(program: Command, { io }: CommandContext): void {
  program
    .command('init')
    .summary('make a model folder with random weights')
    .description('Make a Hugging Face model folder with random weights from a config.json, with a tokenizer’s files.')
    .argument('<dir>', 'the new folder')
    .requiredOption('--config <file>', 'config.json of the architecture')
    .requiredOption('--tokenizer <dir>', 'folder whose tokenizer files are copied')
    .option('--seed <n>', 'of the weights', wholeNumberFrom0, 0)
    .option('--plugin <name>', 'load a plugin, for its architecture; may be given several times', collect)
    .action(async (folder: string, flags: InitFlags) => {
      const { initCommand } = await import('../init-command.js');
      await initCommand(io, folder, flags);
    });
}
