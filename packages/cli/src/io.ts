// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline';

/** The outside world of a command, so that tests can run commands in their own process. */
export interface CliIo {
  /** The user's folder. */
  readonly folder: string;
  readonly out: Output;
  readonly err: Output;
  /** Lines that the user types (or a pipe holds), to its end. */
  readonly lines: AsyncIterable<string>;
  /** Calls the listener at the first Ctrl-C; after that, Ctrl-C ends the process at once. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

export const processIo = (): CliIo => ({
  folder: process.cwd(),
  out: outputOf(process.stdout),
  err: outputOf(process.stderr),
  lines: { [Symbol.asyncIterator]: () => createInterface({ input: process.stdin })[Symbol.asyncIterator]() },
  onInterrupt: listenForInterrupt,
});

function outputOf(stream: NodeJS.WriteStream): Output {
  // `llmf … | head` closes the pipe: that is no error of ours.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}

const signals = ['SIGINT', 'SIGTERM'] as const;
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
