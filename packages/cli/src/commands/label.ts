// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { LabelFlags } from '../comparisons/label-command.js';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';
import { nonNegativeNumber, wholeNumber, wholeNumberFrom0 } from './numbers.js';

/** `llmf label SAMPLES --output FILE [rewards=…]` */
export function declareLabel(program: Command, { io }: CommandContext): void {
  program
    .command('label')
    .summary('preference rows from sampled answers, by hand or by a reward')
    .description(
      'Turn what `llmf sample` wrote into preference rows. Two answers stand side by side, a key says which is better; every label is kept at once, and --resume goes on. With rewards=… a function, an endpoint or a model decides instead.',
    )
    .argument('<samples>', 'a file that `llmf sample` wrote')
    .argument('[key=value...]', 'rewards={name: function, path: ./rule.mjs}, and keys of the backend')
    .requiredOption('--output <file>', 'where the rows go')
    .option('--per-prompt <n>', 'by hand: comparisons to each prompt', wholeNumber, 1)
    .option('--seed <n>', 'by hand: of which answers are compared, and which stands left', wholeNumberFrom0, 0)
    .addOption(
      new Option('--rows <kind>', 'by a reward: the best and the worst answer, or one of each score, best first')
        .choices(['pairs', 'rankings'])
        .default('pairs'),
    )
    .option('--margin <number>', 'by a reward: least difference of a pair’s scores', nonNegativeNumber, 0)
    .option('--resume', 'go on with the labels that are there')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (samples: string, settings: string[], flags: LabelFlags) => {
      const { labelCommand } = await import('../comparisons/label-command.js');
      await labelCommand(io, samples, settings, flags);
    });
}
