// SPDX-License-Identifier: Apache-2.0
// Runs the real `llmf` command in a process of its own and reads what it measured.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { architectures, initModel } from '@llmf/models';

const repository = join(import.meta.dirname, '..', '..');
const command = join(repository, 'packages', 'cli', 'bin', 'llmf.js');

/**
 * A model folder with random weights, made once: `benchmarks/.llmf-cache/<name>-<dtype>`.
 *
 * @param config config.json of the architecture
 * @param dtype storage of its weights, BF16 or F32
 * @param layers only that many of its layers
 */
export async function cachedModel(config, dtype, layers) {
  const given = JSON.parse(readFileSync(config, 'utf8'));
  const content = layers === undefined ? given : { ...given, num_hidden_layers: layers };
  const name = `${basename(config, '.json')}${layers === undefined ? '' : `-${layers}-layers`}`;
  const folder = join(repository, 'benchmarks', '.llmf-cache', `${name}-${dtype.toLowerCase()}`);
  if (existsSync(join(folder, 'config.json'))) return folder;
  console.log(`Making ${folder} (once) …`);
  const tokenizerFolder = join(repository, 'examples', 'first-run', 'architecture'); // ids are given: it never encodes
  const find = (modelType) => architectures.find(({ name }) => name === modelType);
  await initModel(folder, { config: content, tokenizerFolder, seed: 0, dtype, find });
  return folder;
}

/** The same model in a format of fewer bits, made once by `llmf quantize` beside it. */
export function quantizedModel(folder, format) {
  const output = `${folder}-${format}`;
  if (existsSync(join(output, 'config.json'))) return output;
  console.log(`Making ${output} (once) …`);
  const words = ['quantize', '--model', folder, '--format', format, '--output', output];
  const { status, stderr } = spawnSync(process.execPath, [command, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`llmf quantize ended with status ${status}:\n${stderr.slice(-2000)}`);
  return output;
}

export const vocabularyOf = (config) => JSON.parse(readFileSync(config, 'utf8')).vocab_size;

/**
 * Trains in an empty folder.
 *
 * @param plugins names of packages of this repository, or absolute paths
 * @returns the rows of metrics.jsonl that are steps, and the whole process's wall seconds
 */
export function train(config, plugins) {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-bench-'));
  try {
    writeFileSync(join(folder, 'llmf.json'), JSON.stringify({ ...config, output: 'run' }));
    const words = plugins.flatMap((name) => ['--plugin', isAbsolute(name) ? name : join(repository, 'packages', name)]);
    const began = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'train', 'llmf.json', ...words], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const seconds = (performance.now() - began) / 1000;
    if (status !== 0)
      throw new Error(`llmf train ended with status ${status}:\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
    const lines = readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    return {
      steps: lines.map((line) => JSON.parse(line)).filter(({ stepSeconds }) => stepSeconds !== undefined),
      seconds,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
