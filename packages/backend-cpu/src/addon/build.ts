// SPDX-License-Identifier: Apache-2.0
/**
 * Compiles the addon with plain compiler calls: no build system, no download. Object files per instruction path, then one
 * shared library whose name carries the hash of sources and flags and the paths it holds, so a changed source is a changed
 * file and nothing is rebuilt without need. It appears by a rename, so a process never loads half of it.
 */
import { holderText, isLock, makeFolder, tryLock, waitForLock, type LlmfError } from '@llmf/core';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { errors } from '../errors.js';
import { compile, compilerOrThrow } from './compiler.js';
import { allPaths, pathsToCompile } from './paths.js';
import { nativeSources, packageFolder, sourceFolder, type NativeSources } from './sources.js';
import { pathFlags, unitFlags, unitsOf } from './units.js';
import { writeSignatures } from './write-signatures.js';

/** Exact arithmetic as written: no contraction, so that a vector's tail computes the same bits as its body. */
export const compilerFlags: readonly string[] = [
  '-O3',
  '-std=c++20',
  '-fPIC',
  '-pthread',
  '-fvisibility=hidden',
  '-ffp-contract=off',
  '-fno-math-errno',
];

/** Pool threads outlive a worker that loaded the addon first: it must not be unloaded with it (nodelete). */
const linkerFlags: readonly string[] =
  process.platform === 'darwin'
    ? ['-shared', '-undefined', 'dynamic_lookup']
    : ['-shared', '-pthread', '-static-libstdc++', '-static-libgcc', '-Wl,-z,nodelete'];

const baseSources = ['addon', 'dispatch', 'mapping', 'parallel', 'scratch'] as const;

/** The addon's file for the present sources, if it has been built with the paths that this process wants. */
export function builtAddon(paths: readonly string[] = pathsToCompile()): string | null {
  const sources = nativeSources(compilerFlags);
  const names = [allPaths, paths].map((of) => addonName(versionOf(sources, of)));
  return (
    buildFolders.flatMap((folder) => names.map((name) => join(folder, name))).find((file) => existsSync(file)) ?? null
  );
}

/** Longest wait for another process that compiles; the compilation itself takes a quarter of a minute. */
const longestWaitMs = 10 * 60_000;

interface BuildOptions {
  readonly paths?: readonly string[];
  readonly say?: (line: string) => void;
}

/**
 * Builds the addon unless it is there, alone or with other paths. Processes that want it at the same time wait for the first, and say so.
 *
 * @param options.paths instruction paths that it is to hold
 * @returns its file
 * @throws LLMF_BACKEND_CPU_NO_COMPILER, LLMF_BACKEND_CPU_COMPILE, LLMF_BACKEND_CPU_FOLDER, LLMF_BACKEND_CPU_WAIT
 */
export async function buildAddon({
  paths = pathsToCompile(),
  say = toStandardError,
}: BuildOptions = {}): Promise<string> {
  const built = builtAddon(paths);
  if (built !== null) return built;
  const sources = nativeSources(compilerFlags);
  const folder = writableFolder();
  const version = versionOf(sources, paths);
  const file = join(folder, addonName(version));
  const lockFile = lockOf(file);
  removeFolderLock(lockFile);
  if (existsSync(file)) return file;
  const lock = await waitForLock(lockFile, {
    onWait: (holder) => say(`waiting for ${holderText(holder)}, which compiles the native CPU backend`),
    check: (waitedMs, holder) => {
      if (waitedMs > longestWaitMs) throw errors.wait({ lock: lockFile, holder: holderText(holder) });
    },
  });
  try {
    if (existsSync(file)) return file;
    removeUnfinished(folder, version);
    say('compiling the native CPU backend, once for this version');
    await buildInto(folder, file, sources, paths);
    return file;
  } finally {
    lock.release();
  }
}

const toStandardError = (line: string): void => void process.stderr.write(`${line}\n`);

/** What killed compilations left: of this version, whose lock the caller holds, and of others that nobody compiles. */
function removeUnfinished(folder: string, ownVersion: string): void {
  for (const name of readdirSync(folder)) {
    const version = /^compile-(.+)\./.exec(name)?.[1];
    if (version === undefined) continue;
    const lock = version === ownVersion ? null : tryLock(lockOf(join(folder, addonName(version))));
    if (lock !== null && !isLock(lock)) continue; // at work: another version of the package
    rmSync(join(folder, name), { recursive: true, force: true });
    lock?.release();
  }
}

const lockOf = (file: string): string => `${file}.lock`;

/** null when the addon can be put somewhere; else one line. */
export function buildFolderUnavailable(): string | null {
  try {
    writableFolder();
    return null;
  } catch (error) {
    return `it has to be compiled once, and neither of its folders can be written (${(error as LlmfError).detail.got})`;
  }
}

/** Before 0.2 the lock was a folder that named nobody. */
function removeFolderLock(lock: string): void {
  if (statSync(lock, { throwIfNoEntry: false })?.isDirectory()) rmSync(lock, { recursive: true, force: true });
}

async function buildInto(
  folder: string,
  file: string,
  sources: NativeSources,
  paths: readonly string[],
): Promise<void> {
  const compiler = compilerOrThrow();
  const temporary = mkdtempSync(join(folder, `compile-${versionOf(sources, paths)}.`));
  try {
    const units = unitsOf(sources.kernelFiles);
    writeSignatures(temporary, units);
    const includes = [temporary, sourceFolder, join(sourceFolder, 'native'), nodeHeaders()].map((path) => `-I${path}`);
    const kernels = paths.flatMap((path) =>
      units.map((unit) => ({
        source: 'isa',
        object: `${path}-${unit.name}.o`,
        flags: unitFlags(temporary, unit, path),
      })),
    );
    const base = baseSources.map((source) => ({ source, object: `${source}.o`, flags: pathFlags(paths) }));
    const jobs = [...kernels, ...base]; // the longest first
    await inParallel(jobs, ({ source, object, flags }) =>
      compile(compiler, [
        ...compilerFlags,
        '-w',
        ...flags,
        ...includes,
        '-c',
        join(sourceFolder, 'native', `${source}.cc`),
        '-o',
        join(temporary, object),
      ]),
    );
    const library = join(temporary, 'addon.node');
    await compile(compiler, [...jobs.map(({ object }) => join(temporary, object)), ...linkerFlags, '-o', library]);
    renameSync(library, file);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Sources, flags and paths: what makes one binary another than the next. */
const versionOf = ({ hash }: NativeSources, paths: readonly string[]): string =>
  `${hash}-${paths === allPaths ? 'all' : paths.join('+')}`;

const addonName = (version: string): string => `llmf-cpu-${process.platform}-${process.arch}-${version}.node`;

const buildFolders = [join(packageFolder, 'build'), join(cacheHome(), 'llmf', 'backend-cpu')];

/** A relative XDG_CACHE_HOME is not one (XDG base directories, 0.8), and would load code from the current folder. */
function cacheHome(): string {
  const stated = process.env['XDG_CACHE_HOME'];
  return stated !== undefined && isAbsolute(stated) ? stated : join(homedir(), '.cache');
}

/**
 * The package's own folder, or the user's cache where that one is read-only; a lock must be possible in it.
 *
 * @throws LLMF_BACKEND_CPU_FOLDER
 */
function writableFolder(): string {
  const reasons: string[] = [];
  for (const folder of buildFolders) {
    try {
      makeFolder(folder);
      rmSync(mkdtempSync(join(folder, 'trial-')), { recursive: true });
      const trial = tryLock(join(folder, `.trial-${process.pid}`));
      if (isLock(trial)) trial.release();
      return folder;
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw errors.folder({ folders: buildFolders, reason: reasons.at(-1)! });
}

const nodeHeaders = (): string =>
  (createRequire(import.meta.url)('node-api-headers') as { include_dir: string }).include_dir;

async function inParallel<Job>(jobs: readonly Job[], run: (job: Job) => Promise<void>): Promise<void> {
  const queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await run(job);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, worker));
}
