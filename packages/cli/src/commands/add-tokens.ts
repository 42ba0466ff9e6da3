// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { AddTokensFlags } from '../add-tokens-command.js';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';

/** `llmf add-tokens --model DIR --token TEXT… --output DIR` */
export function declareAddTokens(program: Command, { io }: CommandContext): void {
  program
    .command('add-tokens')
    .summary('write a model with more tokens')
    .description(
      'Write a model folder whose tokenizer has more tokens, with rows for them in the embeddings and the head, each the mean of the rows of all other tokens. Train them with adapter.trainableTokens, or with every weight.',
    )
    .requiredOption('--model <dir>', 'model folder or hub id')
    .requiredOption('--token <text>', 'a new token; may be given several times', collect)
    .option('--special', 'special tokens: decoding may leave them out, and no normalizer changes them')
    .requiredOption('--output <dir>', 'the new folder')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (flags: AddTokensFlags) => {
      const { addTokensCommand } = await import('../add-tokens-command.js');
      await addTokensCommand(io, flags);
    });
}
