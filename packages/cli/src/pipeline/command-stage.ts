// SPDX-License-Identifier: Apache-2.0
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { flagName } from '../flag-name.js';
import type { CliIo, Output } from '../io.js';
import { pipelineErrors } from './pipeline-errors.js';
import type { CommandEntry, Pipeline } from './pipeline-file.js';
import { stageFolder, withFolders } from './stage-config.js';

/** Commands that hold no result in a folder or file of their own, or run for ever. */
const writesSomething = (command: Command): boolean => placeOf(command) !== null;

/** Where a command takes what it writes: an option, or its first argument. */
function placeOf(command: Command): 'option' | 'argument' | null {
  if (command.options.some(({ long }) => long === '--output')) return 'option';
  return command.registeredArguments[0]?.name() === 'dir' ? 'argument' : null;
}

/** The command of that name and its flags exist. @throws LLMF_CLI_PIPELINE_COMMAND, LLMF_CLI_PIPELINE_FLAG */
export function checkCommandStage({ input }: Pipeline, stage: CommandEntry, commands: readonly Command[]): void {
  const writing = commands.filter(writesSomething);
  const found = writing.find((each) => each.name() === stage.command);
  const at = (...path: string[]) => input.source.locate(['stages', stage.name, ...path]);
  if (found === undefined) {
    const known = writing.map((each) => each.name());
    throw pipelineErrors.pipelineCommand({ command: stage.command, where: at('command'), known });
  }
  const known = found.options.flatMap(({ long }) => (long ? [long.slice(2)] : []));
  for (const key of Object.keys(stage.flags)) {
    if (known.includes(flagName(key))) continue;
    throw pipelineErrors.pipelineFlag({ command: stage.command, flag: flagName(key), where: at('flags', key), known });
  }
}

/**
 * Runs `llmf COMMAND` into a folder beside the stage's, which takes its name at the end: killed, it starts afresh.
 * `flags.output`, where given, is a file inside the stage's folder.
 */
export async function runCommandStage(
  pipeline: Pipeline,
  stage: CommandEntry,
  io: CliIo,
  commands: readonly Command[],
): Promise<void> {
  const folder = join(pipeline.folder, stageFolder(pipeline, stage.name));
  const unfinished = join(dirname(folder), `.${basename(folder)}.unfinished`);
  await rm(unfinished, { recursive: true, force: true });
  const { output, ...flags } = withFolders(stage.flags, pipeline) as Record<string, unknown>;
  const target = typeof output === 'string' ? join(unfinished, output) : unfinished;
  const isOption = placeOf(commands.find((each) => each.name() === stage.command)!) === 'option';
  const place = isOption ? ['--output', target] : [target];
  if (target !== unfinished) await mkdir(dirname(target), { recursive: true });
  const given = (withFolders(stage.arguments, pipeline) as unknown[]).map(wordOf);
  const options = Object.entries(flags).flatMap(([key, value]) => flagWords(key, value));
  const words = [stage.command, ...place, ...given, ...options];
  const { runCli } = await import('../run-cli.js');
  // It speaks of the folder by the name that it will have.
  const named = (stream: Output): Output => ({
    ...stream,
    write: (text) => stream.write(text.replaceAll(unfinished, folder)),
  });
  const own = { ...io, folder: pipeline.folder, out: named(io.out), err: named(io.err) };
  const status = await runCli(words, own);
  if (status !== 0) {
    throw pipelineErrors.pipelineCommandFailed({ stage: stage.name, command: stage.command, status });
  }
  await rename(unfinished, folder);
}

/** `--top-k 5`; true: the flag alone; false: without it; a list: once for each. */
function flagWords(key: string, value: unknown): string[] {
  const flag = `--${flagName(key)}`;
  if (value === true) return [flag];
  if (value === false || value === null) return [];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((each) => [flag, wordOf(each)]);
}

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
