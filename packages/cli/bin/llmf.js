#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
try {
  await import('../dist/main.js');
} catch (error) {
  // With few open files the program's own modules cannot be opened, not even those that report an error.
  if (error?.code !== 'EMFILE' && error?.code !== 'ENFILE') throw error;
  process.stderr.write(
    `LLMF_CLI_SYSTEM: the system refused\n  got: ${error.message}\n  to do: raise the limit of open files (ulimit -n)\n`,
  );
  process.exitCode = 1;
}
