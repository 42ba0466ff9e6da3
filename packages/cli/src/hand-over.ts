// SPDX-License-Identifier: Apache-2.0
// A global llmf hands over to the one installed in the user's folder, so that it shares core and nn with the plugins
// there. Only a command line that follows code of that folder does: the others run nothing that lies in it.
import type { Command } from 'commander';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installFolder } from './version.js';

/** Thrown in place of a command that another installed llmf shall run. */
export class HandOver extends Error {
  constructor(private readonly entry: string) {
    super(entry);
  }

  /** Runs the same command line there. Returns its exit status. */
  async run(): Promise<number> {
    await import(pathToFileURL(this.entry).href);
    return Number(process.exitCode ?? 0);
  }
}

/** @throws HandOver where the command follows the folder and another llmf is installed in it or above it */
export function handOverWhereNamed(command: Command, folder: string): void {
  if (!followsFolder(command)) return;
  const entry = nearestEntry(folder);
  if (entry !== null && entry !== join(realpathSync(installFolder), 'dist', 'main.js')) throw new HandOver(entry);
}

/** Whether code of the folder is asked for: by the name of a plugin or config, or by a run of the folder's config. */
function followsFolder(command: Command): boolean {
  const { plugin = [], help = false } = command.opts<{ plugin?: readonly string[]; help?: boolean }>();
  if (plugin.length > 0) return true;
  if (takesConfig.has(command.name()) && command.args.length > 0) return true;
  return runsConfig.has(command.name()) && !help;
}

const runsConfig: ReadonlySet<string> = new Set(['train', 'check', 'run']);
const takesConfig: ReadonlySet<string> = new Set([...runsConfig, 'plugins', 'schema']);

/** dist/main.js of the nearest installed llmf. */
function nearestEntry(folder: string): string | null {
  const entry = join(folder, 'node_modules', 'llmf', 'dist', 'main.js');
  if (existsSync(entry)) return realpathSync(entry);
  const parent = dirname(folder);
  return parent === folder ? null : nearestEntry(parent);
}
