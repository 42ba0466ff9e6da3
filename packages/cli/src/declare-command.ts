// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CliIo } from './io.js';

/** Declares one command; its work is imported when it is called, so that `--help` stays fast. */
export type DeclareCommand = (program: Command, context: CommandContext) => void;

export interface CommandContext {
  readonly io: CliIo;
  /** Exit status of a command that ends without an error but not with success either. */
  setStatus(status: number): void;
}
