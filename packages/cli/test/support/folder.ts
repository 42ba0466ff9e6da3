// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../src/run-cli.js';
import { testIo, type TestIo } from './test-io.js';

/** The plugin file of tests that need a run but no model. */
export const toyPlugin = fileURLToPath(new URL('./toy.mjs', import.meta.url));

/** A config that is complete for the toy stage; model and data are checked for their form only. */
export const toyConfig = [
  'stage: toy',
  'backend: toy',
  'model: { path: ./model }',
  'data: { train: [{ path: rows.jsonl }] }',
  'output: run',
  '',
].join('\n');

/** A user's folder for one test. */
export class TestFolder {
  private constructor(readonly path: string) {}

  static async create(): Promise<TestFolder> {
    return new TestFolder(await realpath(await mkdtemp(join(tmpdir(), 'llmf-cli-'))));
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.path, name)), { recursive: true });
    await writeFile(join(this.path, name), content);
  }

  read(name: string): Promise<string> {
    return readFile(join(this.path, name), 'utf8');
  }

  list(name = '.'): Promise<string[]> {
    return readdir(join(this.path, name));
  }

  /** Every file below with its content, to show that nothing was harmed. */
  async snapshot(): Promise<Map<string, string>> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file, 'latin1')] as const)));
  }

  /** Runs a command line here, in this process. */
  async llmf(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
    const io = testIo({ folder: this.path });
    return await this.llmfWith(io, ...argv);
  }

  async llmfWith(io: TestIo, ...argv: string[]): Promise<{ status: number; out: string; err: string }> {
    const status = await runCli(argv, io);
    return { status, ...io.text };
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}
