// SPDX-License-Identifier: Apache-2.0
import { Command, CommanderError } from 'commander';
import { declareAddTokens } from './commands/add-tokens.js';
import { declareChat } from './commands/chat.js';
import { declareCheck } from './commands/check.js';
import { declareEnv } from './commands/env.js';
import { declareGenerate } from './commands/generate.js';
import { declareImport } from './commands/import.js';
import { declareInit } from './commands/init.js';
import { declareLabel } from './commands/label.js';
import { declareMerge } from './commands/merge.js';
import { declarePlugins } from './commands/plugins.js';
import { declareQuantize } from './commands/quantize.js';
import { declareRun } from './commands/run.js';
import { declareSample } from './commands/sample.js';
import { declareSchema } from './commands/schema.js';
import { declareEmbed } from './commands/embed.js';
import { declareScore } from './commands/score.js';
import { declareSweep } from './commands/sweep.js';
import { declareTrain } from './commands/train.js';
import { HandOver, handOverWhereNamed } from './hand-over.js';
import type { CliIo } from './io.js';
import { installFolder, version } from './version.js';
import type { DeclareCommand } from './declare-command.js';

const commands: readonly DeclareCommand[] = [
  declareTrain,
  declareRun,
  declareSweep,
  declareCheck,
  declareScore,
  declareEmbed,
  declareGenerate,
  declareChat,
  declareSample,
  declareLabel,
  declareInit,
  declareImport,
  declareMerge,
  declareQuantize,
  declareAddTokens,
  declarePlugins,
  declareEnv,
  declareSchema,
];

/** Runs one command line and returns its exit status. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let status = 0;
  const program = createProgram(io, (value) => {
    status = value;
  });
  const debug = argv.includes('--debug');
  if (debug) io.err.write(`llmf ${version} (${installFolder})\n`);
  try {
    const other = otherCommand(argv, program);
    if (other !== null) {
      const { runPluginCommand } = await import('./plugin-command.js');
      const ended = await runPluginCommand(other, argv, io, (command) => settle(command, io));
      if (ended !== null) return ended;
    }
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === 'commander.help') return 1; // no command: help went to stderr
    if (error instanceof HandOver) return await error.run();
    const { reportError } = await import('./report-error.js');
    return reportError(error, io, { debug, command: commandIn(argv, program) });
  }
}

/** The command line with all commands of llmf. */
export function createProgram(io: CliIo, setStatus: (status: number) => void): Command {
  const program = new Command('llmf')
    .description('Fine-tune language and vision-language models: declarative, plugin by plugin.')
    .version(version, '--version', 'print the version')
    .option('--debug', 'print versions, and stack traces with errors')
    .helpOption('-h, --help', 'print this help');
  for (const declare of commands) declare(program, { io, setStatus });
  program.hook('preAction', (_program, command) => handOverWhereNamed(command, io.folder));
  for (const each of program.commands) settle(each, io);
  settleOutput(program, io);
  return program;
}

function settle(command: Command, io: CliIo): void {
  settleOutput(command, io);
  command.option('--debug', 'print versions, and stack traces with errors');
}

function settleOutput(command: Command, io: CliIo): void {
  command.exitOverride().configureOutput({
    writeOut: io.out.write,
    writeErr: io.err.write,
    outputError: () => {}, // reported with a code by reportError
    getOutHelpWidth: () => io.out.columns,
    getErrHelpWidth: () => io.err.columns,
  });
}

/** The first word where it is no command of llmf's own and plugins are named, which may bring it. */
function otherCommand(argv: readonly string[], program: Command): string | null {
  const [name] = argv;
  if (name === undefined || name.startsWith('-') || name === 'help') return null;
  if (program.commands.some((command) => command.name() === name)) return null;
  return argv.some((word) => /^--plugin(=|$)/.test(word)) ? name : null;
}

function commandIn(argv: readonly string[], program: Command): string {
  const named = program.commands.find((command) => command.name() === argv.find((word) => !word.startsWith('-')));
  return named === undefined ? 'llmf' : `llmf ${named.name()}`;
}
