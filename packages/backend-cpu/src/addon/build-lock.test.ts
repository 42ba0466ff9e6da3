// SPDX-License-Identifier: Apache-2.0
// What the first compilation meets; no compiler runs here.
import { errors } from '../errors.js';
import { isLock, tryLock } from '@llmf/core';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageFolder } from './sources.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-first-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The built package, where nothing can be written beside it. */
function packageCopy(): string {
  const copy = join(folder, 'package');
  if (existsSync(copy)) return copy;
  mkdirSync(copy);
  for (const name of ['dist', 'src', 'package.json']) {
    cpSync(join(packageFolder, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(packageFolder, 'node_modules'), join(copy, 'node_modules'), 'junction');
  writeFileSync(join(copy, 'build'), '');
  return copy;
}

/** buildAddon of that package in a process of its own, with a compiler that runs these commands. */
function build(compiler: string, environment: Record<string, string> = {}) {
  const copy = packageCopy();
  const fake = join(folder, 'cc');
  writeFileSync(fake, `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${compiler}\n`);
  chmodSync(fake, 0o755);
  const script = `import { buildAddon } from ${JSON.stringify(join(copy, 'dist', 'addon', 'build.js'))};
    await buildAddon().catch((error) => { console.log(error.code); });`;
  const env = { ...process.env, CXX: fake, XDG_CACHE_HOME: join(folder, 'cache'), ...environment };
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8', timeout: 20_000 });
}

describe('the first compilation', () => {
  it('says that it compiles, and leaves no lock when it fails', () => {
    const { stdout, stderr } = build('echo "error: no" >&2; exit 1');
    expect(stdout).toBe('LLMF_BACKEND_CPU_COMPILE\n');
    expect(stderr).toBe('compiling the native CPU backend, once for this version\n');
    expect(build('exit 1').stdout).toBe('LLMF_BACKEND_CPU_COMPILE\n');
  });

  it('removes what killed ones left, and not what another version is compiling', () => {
    const cache = join(folder, 'cache', 'llmf', 'backend-cpu');
    const [left, atWork] = ['0123456789abcdef-all', 'fedcba9876543210-avx2'];
    for (const version of [left, atWork]) mkdirSync(join(cache, `compile-${version}.x`), { recursive: true });
    const addon = `llmf-cpu-${process.platform}-${process.arch}-${atWork}.node`;
    const lock = tryLock(join(cache, `${addon}.lock`));
    if (!isLock(lock)) throw new Error('nobody else has it');
    build('exit 1');
    lock.release();
    expect(readdirSync(cache)).toEqual([`compile-${atWork}.x`]);
  });

  it.runIf(process.platform === 'linux')('is refused where no folder can be written, without a wait', () => {
    const { stdout } = build('exit 1', { XDG_CACHE_HOME: '/proc/llmf' });
    expect(stdout).toBe('LLMF_BACKEND_CPU_FOLDER\n');
  });

  it('is of the instruction paths wanted, in parts, and its file names them', () => {
    const log = join(folder, 'calls');
    const compiler = `for word; do case $word in -DLLMF_PATH_*) echo $word >> ${log};; *.node) : > $word;; esac; done`;
    expect(build(compiler, { LLMF_CPU_ISA: 'scalar' }).stdout).toBe('');
    expect(readFileSync(log, 'utf8')).toBe('-DLLMF_PATH_SCALAR\n'.repeat(2));
    const [name] = readdirSync(join(folder, 'cache', 'llmf', 'backend-cpu'));
    expect(name).toMatch(/-scalar\.node$/);
  });

  it('is not repeated for one path where an addon of all of them lies', () => {
    const compiler = `for word; do case $word in *.node) : > $word;; esac; done`;
    const scalar = { LLMF_CPU_ISA: 'scalar' };
    expect(build(compiler, scalar).stdout).toBe('');
    const cache = join(folder, 'cache', 'llmf', 'backend-cpu');
    const [name] = readdirSync(cache);
    renameSync(join(cache, name!), join(cache, name!.replace('-scalar', '-all')));
    const { stdout, stderr } = build('exit 1', scalar);
    expect([stdout, stderr]).toEqual(['', '']);
  });

  it('is not waited for without end: the error names the process', () => {
    const error = errors.wait({ lock: 'a.lock', holder: 'process 7' });
    expect(error.code).toBe('LLMF_BACKEND_CPU_WAIT');
    expect(error.message).toContain('process 7');
  });
});
