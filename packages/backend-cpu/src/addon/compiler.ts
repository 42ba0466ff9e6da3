// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { errors } from '../errors.js';

const candidates = (): string[] => [...(process.env['CXX'] ? [process.env['CXX']] : []), 'g++', 'c++', 'clang++'];

/** The first compiler that runs, or null. */
export function findCompiler(): string | null {
  return candidates().find((command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0) ?? null;
}

/** @throws LLMF_BACKEND_CPU_NO_COMPILER */
export function compilerOrThrow(): string {
  const compiler = findCompiler();
  if (compiler === null) throw errors.noCompiler({ tried: candidates() });
  return compiler;
}

/** Runs the compiler once. @throws LLMF_BACKEND_CPU_COMPILE with its last lines */
export function compile(compiler: string, flags: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    const fail = (reason: string) => {
      const lines = `${output}${reason}`.trim().split('\n');
      const errorLines = lines.filter((line) => /error/i.test(line));
      const shown = (errorLines.length > 0 ? errorLines : lines).slice(0, 10).join('\n');
      reject(errors.compile({ command: [compiler, ...flags].join(' '), output: shown }));
    };
    child.on('error', (error) => fail(error.message));
    child.on('close', (code) => (code === 0 ? resolve() : fail(`exit status ${code}`)));
  });
}
