#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A global llmf hands over to the one installed in the user's folder, so that it shares core and nn with the plugins there.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const own = realpathSync(fileURLToPath(import.meta.url));
await import(pathToFileURL(nearestEntry(process.cwd()) ?? own.replace(/bin[/\\]llmf\.js$/, 'dist/main.js')).href);

/** dist/main.js of the llmf that is installed in the folder or above it, unless it is this one. */
function nearestEntry(folder) {
  const entry = join(folder, 'node_modules', 'llmf', 'dist', 'main.js');
  if (existsSync(entry)) return realpathSync(entry);
  const parent = dirname(folder);
  return parent === folder ? undefined : nearestEntry(parent);
}
