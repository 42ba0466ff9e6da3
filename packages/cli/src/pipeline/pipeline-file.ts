// SPDX-License-Identifier: Apache-2.0
import { dirname, join, parse } from 'node:path';
import { isPlain, Mistakes, readConfig, z, type ConfigInput } from '@llmf/core';
import { pipelineErrors } from './pipeline-errors.js';

/** Names become folders, and are written as `from: NAME`. */
const stageName = /^[A-Za-z0-9][\w.-]*$/;

const pipelineKeys = z.strictObject({
  output: z.string().min(1).optional().describe("Folder of all stages; default runs/<the file's name>."),
  common: z.record(z.string(), z.unknown()).default({}).describe('Config keys of every training stage.'),
  stages: z.record(z.string(), z.record(z.string(), z.unknown())).describe('The stages in order, by name.'),
});

const commandKeys = z.strictObject({
  command: z.string().min(1).describe('A command of llmf.'),
  arguments: z.array(z.unknown()).default([]).describe('What stands behind its name.'),
  flags: z.record(z.string(), z.unknown()).default({}).describe('Its options, in camelCase.'),
});

/** A stage that trains: a config, over `common`. */
export interface TrainingEntry {
  readonly kind: 'training';
  readonly name: string;
  /** The stage whose model it begins with; null: the config names one. */
  readonly from: string | null;
  /** The config, `common` below it. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A stage that is a command of llmf, such as `merge`. */
export interface CommandEntry {
  readonly kind: 'command';
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly unknown[];
  readonly flags: Readonly<Record<string, unknown>>;
}

export type StageEntry = TrainingEntry | CommandEntry;

export interface Pipeline {
  readonly stages: readonly StageEntry[];
  /** Folder of the pipeline's file: relative paths start here. */
  readonly folder: string;
  /** Relative to `folder`. */
  readonly output: string;
  readonly input: ConfigInput;
}

/** Reads and checks everything but the stages' configs. @throws coded errors with file and line */
export async function readPipeline(folder: string, file: string): Promise<Pipeline> {
  const input = await readConfig(folder, file);
  const mistakes = new Mistakes(input.source);
  const outer = mistakes.parse(pipelineKeys, input.raw, []) as z.infer<typeof pipelineKeys> | null;
  const stages = Object.entries(outer?.stages ?? {}).map(([name, raw]) =>
    stageEntry(name, raw, outer!.common, mistakes),
  );
  mistakes.throwIfAny();
  if (stages.length === 0) throw pipelineErrors.pipelineEmpty({ where: input.source.locate(['stages']) });
  const pipeline = {
    stages,
    folder: input.file === null ? folder : dirname(input.file),
    output: outer!.output ?? join('runs', parse(input.file ?? 'pipeline').name),
    input,
  };
  checkReferences(pipeline);
  return pipeline;
}

function stageEntry(
  name: string,
  raw: Readonly<Record<string, unknown>>,
  common: Readonly<Record<string, unknown>>,
  mistakes: Mistakes,
): StageEntry {
  const path = ['stages', name];
  if (!stageName.test(name)) mistakes.badValue(path, name, 'a name of letters, digits, -, _ and .');
  if ('command' in raw) {
    const parsed = mistakes.parse(commandKeys, raw, path) as z.infer<typeof commandKeys> | null;
    return { kind: 'command', name, ...(parsed ?? { command: '', arguments: [], flags: {} }) };
  }
  const { from = null, output, ...config } = raw;
  if (output !== undefined) mistakes.unknownKey(path, 'output', [], "leave it out: the pipeline's output holds it");
  if (from !== null && typeof from !== 'string') mistakes.badValue([...path, 'from'], from, 'the name of a stage');
  return { kind: 'training', name, from: from as string | null, config: laidOver(common, config) };
}

/** Objects key by key; anything else of `top` replaces what lies below. */
export function laidOver(
  below: Readonly<Record<string, unknown>>,
  top: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(top)) {
    const under = merged[key];
    merged[key] = isPlain(under) && isPlain(value) ? laidOver(under, value) : value;
  }
  return merged;
}

/** Every stage takes only from earlier ones. @throws LLMF_CLI_PIPELINE_FROM */
function checkReferences({ stages, input }: Pipeline): void {
  for (const [index, stage] of stages.entries()) {
    const earlier = stages.slice(0, index).map(({ name }) => name);
    for (const { name, path } of referencesOf(stage)) {
      if (earlier.includes(name)) continue;
      const where = input.source.locate(['stages', stage.name, ...path]);
      throw pipelineErrors.pipelineFrom({ name, where, earlier, isLater: stages.some((each) => each.name === name) });
    }
  }
}

export interface Reference {
  readonly name: string;
  readonly path: readonly PropertyKey[];
}

/** The stages that a stage reads, and where it says so. */
export function referencesOf(stage: StageEntry): Reference[] {
  if (stage.kind === 'command') return [...within(stage.arguments, ['arguments']), ...within(stage.flags, ['flags'])];
  const first = stage.from === null ? [] : [{ name: stage.from, path: ['from'] }];
  return [...first, ...within(stage.config, [])];
}

/** Is this `{ from: NAME }` or `{ from: NAME, file: PATH }`: a folder, or a file, of another stage? */
export const isReference = (value: unknown): value is { from: string; file?: string } =>
  isPlain(value) &&
  typeof value['from'] === 'string' &&
  Object.entries(value).every(([key, each]) => key === 'from' || (key === 'file' && typeof each === 'string'));

function within(value: unknown, path: readonly PropertyKey[]): Reference[] {
  if (isReference(value)) return [{ name: value.from, path: [...path, 'from'] }];
  if (Array.isArray(value)) return value.flatMap((each, index) => within(each, [...path, index]));
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => within(each, [...path, key]));
}
