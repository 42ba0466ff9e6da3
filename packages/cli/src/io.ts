// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline';
import type { LlmfError } from '@llmf/core';
import type { cliErrors } from './cli-errors.js';

/** The outside world of a command, so that tests can run commands in their own process. */
export interface CliIo {
  /** The user's folder. */
  readonly folder: string;
  readonly out: Output;
  readonly err: Output;
  /** Lines that the user types (or a pipe holds), to its end. */
  readonly lines: AsyncIterable<string>;
  /** Keys as they are pressed (without a terminal the characters of standard input, but line ends), to its end. */
  readonly keys: AsyncIterable<string>;
  /** Calls the listener at the first Ctrl-C; after that, Ctrl-C ends the process at once. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process. */
  leave(status: number): void;
}

export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

/** Commands whose only result is what they print: nothing is left to do when nobody reads it. */
const printing: ReadonlySet<string> = new Set(['generate', 'chat', 'plugins', 'env', 'schema', 'check']);

/** Ends the process over what keeps any command from its work. The messages are loaded then. */
export async function end(describe: (errors: typeof cliErrors) => LlmfError): Promise<never> {
  const { cliErrors: errors } = await import('./cli-errors.js');
  process.stderr.write(`${describe(errors).message}\n`);
  process.exit(1);
}

/** @param command the first word of the command line */
export const processIo = (command = ''): CliIo => ({
  folder: process.cwd(),
  out: outputOf(process.stdout, printing.has(command) || command === '' || command.startsWith('-')),
  err: outputOf(process.stderr, false),
  lines: { [Symbol.asyncIterator]: () => createInterface({ input: process.stdin })[Symbol.asyncIterator]() },
  keys: { [Symbol.asyncIterator]: keysOfInput },
  onInterrupt: listenForInterrupt,
  leave: (status) => process.exit(status),
});

/** Raw mode: no Enter is needed, and Ctrl-C comes as a key, \x03. */
async function* keysOfInput(): AsyncGenerator<string> {
  const { stdin } = process;
  stdin.setEncoding('utf8');
  if (stdin.isTTY) stdin.setRawMode(true);
  try {
    for await (const text of stdin) {
      for (const key of String(text)) if (key !== '\n' && (key !== '\r' || stdin.isTTY)) yield key;
    }
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
  }
}

/** `llmf … | head` closes the pipe: a command that only prints is done then, one that writes files goes on without it. */
function outputOf(stream: NodeJS.WriteStream, endsWithIt: boolean): Output {
  let isLost = false;
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    isLost = true;
    if (!endsWithIt) return;
    if (code === 'EPIPE') process.exit(0);
    void end((errors) => errors.outputLost({ reason: message }));
  });
  return {
    write: (text) => {
      if (!isLost) stream.write(text);
    },
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}

/** A terminal that goes away (SIGHUP) asks a run to end as Ctrl-C does. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export const interruptedStatus = 130;

/**
 * One signal is listened for. After it the system's own handling is back, which ends the process even where JavaScript
 * is busy computing; shells report that as 130 too.
 */
function listenForInterrupt(listener: () => void): () => void {
  const stop = () => {
    for (const signal of signals) process.off(signal, handle);
  };
  const handle = () => {
    stop();
    listener();
  };
  for (const signal of signals) process.on(signal, handle);
  return stop;
}
