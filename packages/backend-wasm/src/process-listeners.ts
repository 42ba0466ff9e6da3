// SPDX-License-Identifier: Apache-2.0

const events = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Runs work and takes away the listeners it left on the process. Emscripten's start code adds two that throw every
 * stray error again, which would end a command before it can save and report.
 */
export async function withoutNewProcessListeners<T>(work: () => Promise<T>): Promise<T> {
  const before = events.map((event) => new Set(process.rawListeners(event)));
  try {
    return await work();
  } finally {
    events.forEach((event, index) => {
      for (const listener of process.rawListeners(event))
        if (!before[index]!.has(listener)) process.removeListener(event, listener as (...args: unknown[]) => void);
    });
  }
}
