// SPDX-License-Identifier: Apache-2.0
import type { Engine } from './engine.js';
import { token, type Named } from './token.js';

/**
 * A command of `llmf` that a plugin brings: `llmf hello Ada --plugin hello`. Its options are flags (`--loud`,
 * `--times 3`, kebab-case), checked by its schema before it runs.
 */
export interface Command extends Named {
  readonly description: string;
  /** What its arguments stand for, in order; the last may take several. Left out: it takes none. */
  readonly arguments?: readonly CommandArgument[];
  /** Returns the exit status; nothing is 0. @throws coded errors, reported as those of every command */
  run(call: CommandCall, options: Record<string, unknown>): Promise<number | void>;
}

export interface CommandArgument {
  readonly name: string;
  readonly description: string;
  readonly isOptional?: boolean;
  readonly takesSeveral?: boolean;
}

export interface CommandCall {
  readonly engine: Engine;
  readonly arguments: readonly string[];
  /** The user's folder. */
  readonly folder: string;
  /** Results go to `out`, everything said beside them to `err`. */
  readonly out: { write(text: string): void };
  readonly err: { write(text: string): void };
}

export const CommandToken = token<Command>('command');
