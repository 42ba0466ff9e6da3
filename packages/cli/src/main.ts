// SPDX-License-Identifier: Apache-2.0
import { processIo } from './io.js';
import { runCli } from './run-cli.js';

process.exitCode = await runCli(process.argv.slice(2), processIo());

// The process ends when nothing is left to do; a backend's idle threads must not keep it alive.
setTimeout(() => process.exit(), 300).unref();
