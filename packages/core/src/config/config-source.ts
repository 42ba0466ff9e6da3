// SPDX-License-Identifier: Apache-2.0
import { relative } from 'node:path';

export type ConfigPath = readonly PropertyKey[];

/** A raw config and where each of its values was written. */
export interface ConfigInput {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly source: ConfigSource;
  /** Folder that relative paths of the config start from. */
  readonly folder: string;
  /** Absolute path of the file; null when the config came from a program or the command line alone. */
  readonly file: string | null;
}

export interface ConfigSource {
  /** `llmf.yaml:3:8` of a value (or of its key), of its nearest parent when it is missing, or the file alone. */
  locate(path: ConfigPath, part?: 'key' | 'value'): string;
}

/** For configs without text: every value is simply "in" something. */
export const wholeSource = (description: string): ConfigSource => ({ locate: () => description });

export const pathText = (path: ConfigPath): string => path.map(String).join('.');

/** Relative to the current folder where that is shorter. */
export function displayPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near === '' || near.startsWith('..') ? file : near;
}
