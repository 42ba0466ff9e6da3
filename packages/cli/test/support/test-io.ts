// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import type { CliIo } from '../../src/io.js';

export interface TestIo extends CliIo {
  /** Everything written so far. */
  readonly text: { out: string; err: string };
  /** Presses Ctrl-C. */
  interrupt(): void;
}

interface TestIoOptions {
  readonly folder?: string;
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly typed?: readonly string[];
  readonly keys?: string;
}

/** The outside world of a command as a test sees it. */
export function testIo({
  folder = process.cwd(),
  isTerminal = false,
  columns = 80,
  typed = [],
  keys = '',
}: TestIoOptions = {}): TestIo {
  const text = { out: '', err: '' };
  const listeners = new Set<() => void>();
  const output = (stream: 'out' | 'err') => ({
    write: (part: string) => {
      text[stream] += part;
    },
    isTerminal,
    columns,
  });
  return {
    folder,
    text,
    out: output('out'),
    err: output('err'),
    lines: Readable.from(typed),
    keys: Readable.from([...keys]),
    leave: () => {},
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    interrupt() {
      for (const listener of listeners) listener();
    },
  };
}
