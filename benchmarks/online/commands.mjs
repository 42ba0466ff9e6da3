// SPDX-License-Identifier: Apache-2.0
// What the experiments share: llmf's commands in a folder, JSON lines, random order.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const command = join(import.meta.dirname, '..', '..', 'packages', 'cli', 'bin', 'llmf.js');
const meter = pathToFileURL(join(import.meta.dirname, 'meter.mjs')).href;

/** llmf in a folder, where each thing that is made once stays. */
export class Workshop {
  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  path = (...names) => join(this.folder, ...names);
  has = (...names) => existsSync(this.path(...names));

  /** Runs a command; what it says goes to standard error. @returns `{ seconds, memoryBytes }` of its process: CPU time, peak */
  llmf(...words) {
    const usage = this.path('usage.json');
    const env = { ...process.env, LLMF_METER: usage };
    const { status } = spawnSync(process.execPath, ['--import', meter, command, ...words], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0) throw new Error(`llmf ${words.join(' ')} ended with ${status}`);
    return JSON.parse(readFileSync(usage, 'utf8'));
  }

  /** Trains to the folder `output` unless it is there already, whole. @returns what it took, also when it was taken before */
  train(output, config) {
    const record = this.path(`${output}.usage.json`);
    if (existsSync(record)) return JSON.parse(readFileSync(record, 'utf8'));
    rmSync(this.path(output), { recursive: true, force: true });
    this.json(`${output}.json`, { ...config, output });
    const usage = this.llmf('train', `${output}.json`);
    writeFileSync(record, JSON.stringify(usage));
    return usage;
  }

  /** Makes a file unless it is there. */
  once(name, make) {
    if (!this.has(name)) make(name);
    return name;
  }

  write(name, text) {
    writeFileSync(this.path(name), text);
  }

  json(name, value) {
    this.write(name, `${JSON.stringify(value, null, 1)}\n`);
  }

  writeRows(name, rows) {
    this.write(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }

  rows(...names) {
    return readFileSync(this.path(...names), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
}

/** Uniform in [0, 1): mulberry32. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 4294967296;
  };
}

export const shuffled = (list, random) =>
  list
    .map((each) => [random(), each])
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
export const sigmoid = (value) => 1 / (1 + Math.exp(-value));
