// SPDX-License-Identifier: Apache-2.0
// Hostile files through the real command, a process each: it ends in time, with success or a code, within bounds of memory,
// and touches nothing but its own folder.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { llmf, type Finished } from './command.js';
import { firstRun } from './first-run.js';
import { mutated, randomOf } from './fuzz.js';

/** One file that a command reads; `argv` of `llmf`, in a folder with a model and rows. */
interface HostileKind {
  readonly file: string;
  readonly sample: () => Buffer;
  readonly argv: readonly string[];
}

export interface HostileReport {
  readonly files: number;
  readonly refused: number;
  readonly largestBytes: number;
  /** Each with the seed that makes it again. */
  readonly faults: readonly string[];
}

const longestMs = 60_000;
/** Beyond twice the file. What Node and llmf take themselves is a part of it. */
const mostBytes = 300 * 2 ** 20;

const generate = ['generate', '--model', 'model', '--prompt', 'a b', '--max-new-tokens', '2', '--greedy'];
const check = (path: string) => ['check', 'llmf.json', `data.train.0.path=${path}`];
const model = (name: string) => () => readFileSync(join(firstRun, 'model', name));
const row = JSON.stringify({ prompt: 'a "b"', response: 'é 🙂' });
const parquet = new URL('../../packages/data/fixtures/pairs-snappy.parquet', import.meta.url);
const config = {
  model: { path: 'model' },
  stage: 'sft',
  adapter: 'none',
  data: { train: [{ path: 'rows.jsonl' }], cache: 'off', maxLength: 64 },
  train: { batchSize: 2, maxSteps: 1, learningRate: 1e-4 },
  output: 'out',
};
const template = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] | trim }}{% endfor %}";

const kinds: readonly HostileKind[] = [
  { file: 'model/config.json', sample: model('config.json'), argv: generate },
  { file: 'model/tokenizer.json', sample: model('tokenizer.json'), argv: generate },
  { file: 'model/tokenizer_config.json', sample: model('tokenizer_config.json'), argv: generate },
  { file: 'model/model.safetensors', sample: model('model.safetensors'), argv: generate },
  { file: 'model/chat_template.jinja', sample: () => Buffer.from(template), argv: generate },
  { file: 'rows.jsonl', sample: () => Buffer.from(`${row}\n`.repeat(8)), argv: check('rows.jsonl') },
  { file: 'rows.json', sample: () => Buffer.from(`[${row},${row}]`), argv: check('rows.json') },
  { file: 'rows.csv', sample: () => Buffer.from('prompt,response\n"a ""1""",b\n'), argv: check('rows.csv') },
  { file: 'rows.parquet', sample: () => readFileSync(parquet), argv: check('rows.parquet') },
  { file: 'llmf.yaml', sample: () => Buffer.from(JSON.stringify(config, null, 1)), argv: ['check', 'llmf.yaml'] },
];

/** `count` mutated files of each kind. */
export async function hostileFiles(count: number, firstSeed: number): Promise<HostileReport> {
  const root = mkdtempSync(join(tmpdir(), 'llmf-hostile-'));
  const faults: string[] = [];
  let [refused, largestBytes] = [0, 0];
  try {
    for (const kind of kinds) {
      for (let seed = firstSeed; seed < firstSeed + count; seed++) {
        const content = mutated(kind.sample(), randomOf(seed));
        const { finished, peakBytes } = await once(root, kind, content);
        const wrong = wrongWith(finished, peakBytes, content.length) ?? strangersIn(root);
        if (wrong !== null) faults.push(`${kind.file}, seed ${seed}: ${wrong}`);
        if (finished.status === 1) refused++;
        largestBytes = Math.max(largestBytes, peakBytes);
      }
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return { files: count * kinds.length, refused, largestBytes, faults };
}

/** Writes what the process took at most, when it ends. */
const reportPeak = `data:text/javascript,import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(process.env.LLMF_PEAK,String(process.resourceUsage().maxRSS)))`;

async function once(root: string, { file, argv }: HostileKind, content: Buffer) {
  const folder = join(root, 'project');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  cpSync(join(firstRun, 'model'), join(folder, 'model'), { recursive: true });
  writeFileSync(join(folder, 'rows.jsonl'), `${row}\n`.repeat(4));
  writeFileSync(join(folder, 'llmf.json'), JSON.stringify(config));
  writeFileSync(join(folder, file), content);
  const peak = join(folder, '.peak');
  const environment = { NODE_OPTIONS: `--import ${reportPeak}`, LLMF_PEAK: peak };
  const killAfter = (over: AbortSignal) => setTimeout(longestMs, undefined, { signal: over });
  const finished = await llmf(argv, { folder, environment, killAfter });
  return { finished, peakBytes: existsSync(peak) ? 1024 * Number(readFileSync(peak, 'utf8')) : 0 };
}

function wrongWith({ status, signal, err }: Finished, peakBytes: number, fileBytes: number): string | null {
  if (signal !== null) return `ended by ${signal} ${err.slice(0, 300)}`;
  if (status !== 0 && !(status === 1 && err.includes('LLMF_'))) return `status ${status} ${err.slice(0, 300)}`;
  const limit = 2 * fileBytes + mostBytes;
  return peakBytes > limit ? `took ${peakBytes} bytes, more than ${limit}` : null;
}

function strangersIn(root: string): string | null {
  const others = readdirSync(root).filter((name) => name !== 'project');
  return others.length === 0 ? null : `wrote ${others.join(', ')}`;
}
