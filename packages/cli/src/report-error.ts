// SPDX-License-Identifier: Apache-2.0
import { LlmfError } from '@llmf/core';
import { CommanderError } from 'commander';
import { cliErrors, cliFaults } from './cli-errors.js';
import type { CliIo } from './io.js';

/** Prints what went wrong and returns the exit status: 1 for the user's mistakes, 2 for ours. */
export function reportError(
  error: unknown,
  io: CliIo,
  { debug, command }: { debug: boolean; command: string },
): number {
  const coded = codedError(error, command);
  io.err.write(`${coded.message}\n`);
  if (coded.status === 2) {
    io.err.write(
      '  This is our fault, not yours. Please report it with the output of `llmf env` and of this command with --debug.\n',
    );
  }
  if (debug) io.err.write(`${traceOf(error)}\n`);
  return coded.status;
}

function codedError(error: unknown, command: string): LlmfError {
  if (LlmfError.is(error)) return error;
  if (error instanceof CommanderError) return usageError(error, command);
  const { code, syscall, path, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code === 'string' && typeof syscall === 'string') {
    return cliErrors.system({ reason: message, path, hint: systemHints[code] ?? 'check the path and its permissions' });
  }
  if (error instanceof RangeError && /allocation failed|Invalid (typed )?array (buffer )?length/i.test(message)) {
    return cliErrors.outOfMemory({ reason: message }, { cause: error });
  }
  const reason = error instanceof Error ? `${error.name}: ${message}` : String(error);
  return cliFaults.unexpected({ reason }, { cause: error });
}

const systemHints: Readonly<Record<string, string>> = {
  ENOSPC:
    'make room on the disk; what was complete before is untouched, and --resume continues from the newest checkpoint',
  EDQUOT: 'make room within your disk quota; --resume continues from the newest checkpoint',
  EACCES: 'change the permissions, or choose another path',
  EPERM: 'change the permissions, or choose another path',
  EROFS: 'choose a path on a disk that can be written',
  ENOENT: 'check the path',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  ENFILE: 'raise the system’s limit of open files',
  EIO: 'look at the disk; what was complete before is untouched, and --resume continues from the newest checkpoint',
  ENOTDIR: 'check the path: a part of it is a file',
  EISDIR: 'check the path: it is a folder',
};

/** commander's texts, such as `error: unknown option '--plugn'\n(Did you mean --plugin?)`. */
function usageError({ message }: CommanderError, command: string): LlmfError {
  const [problem = message, hint = ''] = message.replace(/^error: /, '').split('\n');
  return cliErrors.usage({ problem, command, meant: /Did you mean (?:one of )?(.*)\?\)/.exec(hint)?.[1] ?? null });
}

function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${traceOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
