// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The command as a checkout has it; it runs the built files (`npm test` builds first). */
export const llmfBinary = fileURLToPath(new URL('../../packages/cli/bin/llmf.js', import.meta.url));

export interface Finished {
  /** null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

export interface CommandOptions {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** SIGKILL as soon as this resolves, unless the program has ended by then. */
  readonly killAfter?: (over: AbortSignal) => Promise<unknown>;
  /** Sees everything printed so far, whenever there is more, and may send a signal. */
  readonly onOutput?: (out: string, send: (signal: NodeJS.Signals) => void) => void;
}

/** Those that still run: what a test that timed out leaves behind ends with the tests of its file. */
const running = new Set<ChildProcess>();
afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

/** Runs a program to its end, or to its kill. */
export function run(program: string, argv: readonly string[], options: CommandOptions): Promise<Finished> {
  const { folder, environment = {}, killAfter, onOutput } = options;
  const started = performance.now();
  const over = new AbortController();
  const child = spawn(program, argv, { cwd: folder, env: { ...process.env, ...environment } });
  running.add(child);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    onOutput?.(out, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const kill = () => child.kill('SIGKILL');
  killAfter?.(over.signal).then(kill, () => {}); // rejected: it was over first
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      running.delete(child);
      over.abort();
      resolve({ status, signal, out, err, seconds: (performance.now() - started) / 1000 });
    });
  });
}

/** `llmf …` as it is in this checkout. */
export const llmf = (argv: readonly string[], options: CommandOptions) =>
  run(process.execPath, [llmfBinary, ...argv], options);

/** Its output; anything but success fails the test with what the program said. */
export function succeeded({ status, signal, out, err }: Finished): string {
  if (status !== 0) throw new Error(`ended with ${signal ?? `status ${status}`}\n${err}\n${out}`);
  return out;
}
