// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { BackendToken, formatBytes, type EngineImplementation } from '@llmf/core';
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
    ...(await backendFacts(engine)),
    ...Object.entries(packageVersions(io.folder)).filter(([name]) => name !== 'llmf'),
  ];
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  for (const [name, fact] of facts) io.out.write(`${name.padEnd(width)}${fact}\n`);
  await engine.close();
}

async function backendFacts(engine: EngineImplementation): Promise<[string, string][]> {
  const providers = engine.container.resolveAll(BackendToken);
  if (providers.length === 0) return [['backend', 'none is installed; npm install @llmf/backend-wasm']];
  return await Promise.all(
    providers.map(async (provider): Promise<[string, string]> => {
      const reason = await provider.unavailable();
      return [`backend ${provider.name}`, reason === null ? 'can start' : `cannot start: ${reason}`];
    }),
  );
}

/** Those that decide which kernels can run; only Linux tells without native code. */
function processorFeatures(): string {
  try {
    const flags =
      /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
    const wanted = ['avx2', 'fma', 'avx512f', 'avx512_bf16', 'amx_tile', 'amx_bf16', 'asimd', 'bf16', 'sve'];
    return wanted.filter((flag) => flags.includes(flag)).join(' ') || 'no vector extensions known to llmf';
  } catch {
    return 'not told by this system';
  }
}
