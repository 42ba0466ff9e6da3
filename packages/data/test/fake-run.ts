// SPDX-License-Identifier: Apache-2.0
import { createContainer, type Run } from '@llmf/core';
import { dataOptions } from '../src/options.js';

export interface FakeRun extends Run {
  readonly lines: string[];
}

/** The parts of a run that this package reads. */
export function fakeRun(folder: string, section: Record<string, unknown>, model: string | null, seed = 42): FakeRun {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const sections = { data: dataOptions.parse(section), ...(model !== null && { model: { path: model } }) };
  const run: Partial<FakeRun> & { lines: string[] } = {
    lines,
    config: { sections, train: { seed } } as unknown as Run['config'],
    container: createContainer(),
    folder,
    output: `${folder}/out`,
    record: {},
    logger: { info: log, warn: log },
    world: { rank: 0, size: 1 },
  };
  return run as FakeRun;
}
