// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import {
  BackendToken,
  formatBytes,
  installedPlugins,
  type BackendProvider,
  type EngineImplementation,
} from '@llmf/core';
import { composeEngine } from './compose-engine.js';
import type { CliIo } from './io.js';
import { packageVersions } from './package-versions.js';
import { installFolder, version } from './version.js';

export async function envCommand(io: CliIo): Promise<void> {
  const { engine } = await composeEngine({ folder: io.folder });
  const facts: [string, string][] = [
    ['llmf', `${version} (${installFolder})`],
    ['node', process.version],
    ['system', `${platform()} ${release()} ${arch()}`],
    ['processor', `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} logical cores`],
    ['instructions', processorFeatures()],
    ['memory', formatBytes(totalmem(), { binary: true })],
    ...(await backendFacts(engine, io.folder)),
    ...Object.entries(packageVersions(io.folder)).filter(([name]) => name !== 'llmf'),
  ];
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  for (const [name, fact] of facts) io.out.write(`${name.padEnd(width)}${fact}\n`);
  await engine.close();
}

/** Of the built-in backends and of those installed in the folder: what each found, or why it cannot start. */
async function backendFacts(engine: EngineImplementation, folder: string): Promise<[string, string][]> {
  const own = engine.container.resolveAll(BackendToken);
  const facts = await Promise.all(own.map(factOf));
  const known = new Set(engine.plugins.map(({ name }) => `@llmf/${name}`));
  for (const { name } of installedPlugins(folder)) {
    if (!known.has(name) && /(^|[/-])backend-/.test(name)) facts.push(...(await installedFacts(name, folder, own)));
  }
  return facts.length > 0 ? facts : [['backend', 'none is installed; npm install @llmf/backend-wasm']];
}

/** A package that does not load is a fact as well. */
async function installedFacts(
  name: string,
  folder: string,
  known: readonly BackendProvider[],
): Promise<[string, string][]> {
  try {
    const { engine } = await composeEngine({ folder, plugins: [name] });
    const names = new Set(known.map((provider) => provider.name));
    const brought = engine.container.resolveAll(BackendToken).filter((provider) => !names.has(provider.name));
    const facts = await Promise.all(brought.map(factOf));
    await engine.close();
    return facts;
  } catch (error) {
    return [[`plugin ${name}`, `does not load: ${(error as Error).message.split('\n', 1)[0]}`]];
  }
}

async function factOf(provider: BackendProvider): Promise<[string, string]> {
  const reason = await provider.unavailable();
  const found = reason === null ? await provider.found?.() : undefined;
  const fact = reason === null ? `can start${found === undefined ? '' : `: ${found}`}` : `cannot start: ${reason}`;
  return [`backend ${provider.name}`, fact];
}

/** Those that decide which kernels can run; only Linux tells without native code. */
function processorFeatures(): string {
  try {
    const flags =
      /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
    const wanted = [
      'avx2',
      'fma',
      'avx512f',
      'avx512_bf16',
      'avx512vbmi',
      'amx_tile',
      'amx_bf16',
      'asimd',
      'bf16',
      'sve',
    ];
    return wanted.filter((flag) => flags.includes(flag)).join(' ') || 'no vector extensions known to llmf';
  } catch {
    return 'not told by this system';
  }
}
