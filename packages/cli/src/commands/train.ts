// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';
import { toolNames } from '../import/tool-names.js';

interface TrainFlags {
  readonly plugin?: readonly string[];
  readonly resume?: boolean;
  readonly profile?: boolean;
  readonly help?: boolean;
  /** A tool whose config or flags these are. */
  readonly from?: string;
}

/** `llmf train [CONFIG] [--plugin NAME]… [key=value]… [--resume] [--profile]` */
export function declareTrain(program: Command, { io, setStatus }: CommandContext): void {
  program
    .command('train')
    .summary('train a model as a config says')
    .description('Train a model as llmf.yaml (or .yml, .json, .mjs; in this folder, or named) says.')
    .argument('[config or key=value...]', 'the config, and keys that override it, such as train.learningRate=1e-5')
    .option('--plugin <name>', 'load a plugin: a package, or a path; may be given several times', collect)
    .option('--resume', 'continue from the newest checkpoint of the output folder')
    .option('--profile', 'write where the time of steps goes: profile.md, and a trace for Perfetto')
    .addOption(
      new Option('--from <tool>', 'the config (or, behind --, the flags) are of another tool').choices([...toolNames]),
    )
    .helpOption(false)
    .option('-h, --help', 'print this help with every option of all loaded plugins')
    .action(async (words: string[], flags: TrainFlags, command: Command) => {
      const { plugin: plugins = [], resume = false, profile = false, help = false, from } = flags;
      if (help) {
        const { printConfigHelp } = await import('../config-help.js');
        return await printConfigHelp(io, command, words, plugins);
      }
      const { trainCommand } = await import('../train-command.js');
      setStatus(await trainCommand(io, words, { plugins, resume, profile, ...(from === undefined ? {} : { from }) }));
    });
}
