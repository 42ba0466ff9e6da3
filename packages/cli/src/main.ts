// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from 'node:v8';
import { end, processIo } from './io.js';
import { runCli } from './run-cli.js';

// While a run starts, what is allocated lives long, and V8 concludes that code there should allocate old objects. The same
// code then makes the records of every step: dead at its end, but as old objects they keep whatever they refer to through
// all collections of young ones (a seventh of all garbage, copied; four times the pause).
setFlagsFromString('--no-allocation-site-pretenuring');

try {
  process.cwd();
} catch (error) {
  // A shell may stand in a folder that was removed.
  await end((errors) => errors.folderGone({ reason: (error as Error).message }));
}

const io = processIo(process.argv[2]);
setTimeout(() => void import('./heap-watch.js').then(({ watchHeap }) => watchHeap(io.err.write)), 1000).unref();

process.exitCode = await runCli(process.argv.slice(2), io);

// The process ends when nothing is left to do; a backend's idle threads must not keep it alive.
setTimeout(() => process.exit(), 300).unref();
