// SPDX-License-Identifier: Apache-2.0
// Faults of the file system under the real command: the n-th file operation fails, moves half of its bytes, or is the last
// thing before a kill. The command then ends with a code, or as if nothing had been; started again it ends with the same bits.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { uniforms } from '@llmf/core';
import { llmf, type Finished } from './command.js';
import { sha256 } from './kill-and-resume.js';

/** What is run in a project, and what it writes. */
export interface FaultCase {
  readonly title: string;
  readonly argv: readonly string[];
  /** How it is started again after a fault. */
  readonly again: readonly string[];
  /** Files or folders of the project that it makes. */
  readonly results: readonly string[];
}

/** `full`: nothing is written any more from the operation on. */
export const faultKinds = ['kill', 'short', 'full', 'EIO', 'ENOSPC', 'EINTR', 'EMFILE'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultReport {
  /** File operations of an undisturbed start. */
  readonly operations: number;
  /** By kind and end: `EIO: coded`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Each with kind and number of the operation, to be had again. */
  readonly faults: readonly string[];
}

/** null where faults can be injected; else why not. */
export function faultsUnavailable(): string | null {
  if (process.platform !== 'linux') return 'preloading is for Linux';
  return spawnSync('cc', ['--version']).status === 0 ? null : 'there is no C compiler';
}

/** Compiles the shim into a folder. */
export function compileShim(folder: string): string {
  const library = join(folder, 'fault-shim.so');
  const source = fileURLToPath(new URL('fault-shim.c', import.meta.url));
  const { status, stderr } = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  if (status !== 0) throw new Error(stderr.toString());
  return library;
}

/** Runs one command again and again in copies of a project, each time with one fault. */
export class FaultRunner {
  private readonly scratch = mkdtempSync(join(tmpdir(), 'llmf-faults-'));
  private readonly shim = compileShim(this.scratch);

  constructor(
    private readonly project: string,
    private readonly faultCase: FaultCase,
  ) {}

  /** `count` faults of each kind at operations drawn from a seed; all of them where there are fewer. */
  async run(kinds: readonly FaultKind[], count: number, seed: number): Promise<FaultReport> {
    return await this.runAt(kinds, (kind, { length }) => drawn(length, count, `${kind} ${seed}`));
  }

  /** A fault of each kind at the last operation of this name, on this file where one is given. */
  async runAtLast(kinds: readonly FaultKind[], name: string, file?: string): Promise<FaultReport> {
    return await this.runAt(kinds, (_, operations) => [
      operations.findLastIndex((operation) => operation.name === name && (file ?? operation.file) === operation.file) +
        1,
    ]);
  }

  /**
   * A fault of each kind at each operation on each file that can fail so: where one is repeated on a file (the reads of a
   * long one), at its first and at its last time. `had` names those that are left out, and gets what was tried: two runs of
   * a command read the same files by the same code.
   */
  async runAtEach(kinds: readonly FaultKind[], had = new Set<string>()): Promise<FaultReport> {
    return await this.runAt(kinds, (kind, operations) => {
      const places = new Map<string, { first: number; last: number }>();
      operations.forEach(({ name, file }, at) => {
        if (!canFail(name, kind)) return;
        const key = `${kind} ${name} ${file}`;
        if (had.has(key)) return;
        places.set(key, { first: places.get(key)?.first ?? at + 1, last: at + 1 });
      });
      for (const key of places.keys()) had.add(key);
      const found = [...places.values()].flatMap(({ first, last }) => [first, last]);
      return [...new Set(found)].sort((a, b) => a - b);
    });
  }

  private async runAt(
    kinds: readonly FaultKind[],
    choose: (kind: FaultKind, operations: readonly Operation[]) => readonly number[],
  ): Promise<FaultReport> {
    const { operations, expected } = await this.undisturbed();
    const counts: Record<string, number> = {};
    const faults: string[] = [];
    for (const kind of kinds) {
      for (const at of choose(kind, operations)) {
        const { end, wrong } = await this.once(kind, at, expected);
        counts[`${kind}: ${end}`] = (counts[`${kind}: ${end}`] ?? 0) + 1;
        if (wrong !== null) faults.push(`${this.faultCase.title}, ${kind} at operation ${at}: ${wrong}`);
      }
    }
    return { operations: operations.length, counts, faults };
  }

  close(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** Its file operations in order, and what it writes. */
  private async undisturbed(): Promise<{ operations: readonly Operation[]; expected: string }> {
    const folder = await this.copy();
    const log = join(this.scratch, 'operations');
    const finished = await this.start(folder, this.faultCase.argv, { LLMF_FAULT_LOG: log });
    if (finished.status !== 0) throw new Error(finished.err);
    const operations = readFileSync(log, 'utf8').split('\n').slice(0, -1).map(operationOf);
    return { operations, expected: await this.resultOf(folder) };
  }

  private async once(kind: FaultKind, at: number, expected: string): Promise<{ end: string; wrong: string | null }> {
    const folder = await this.copy();
    const number = constants.errno[kind as keyof typeof constants.errno];
    const fault = { LLMF_FAULT_AT: String(at), LLMF_FAULT_WITH: number === undefined ? kind : String(number) };
    const first = await this.start(folder, this.faultCase.argv, fault);
    const end = endOf(first);
    if (end === 'finished') return { end, wrong: await this.difference(folder, expected) };
    if (end === 'uncoded')
      return { end, wrong: `${first.signal ?? `status ${first.status}`}: ${first.err.slice(0, 500)}` };
    // All was done: there is nothing left to do, and commands that make a new folder refuse it.
    if (end === 'killed' && (await this.difference(folder, expected)) === null) return { end, wrong: null };
    const again = await llmf(this.faultCase.again, { folder });
    if (again.status !== 0) return { end, wrong: `started again: ${again.err.slice(0, 500)}` };
    return { end, wrong: (await this.difference(folder, expected)) ?? leftoversIn(folder) };
  }

  private async copy(): Promise<string> {
    const folder = join(this.scratch, 'project');
    rmSync(folder, { recursive: true, force: true });
    await cp(this.project, folder, { recursive: true });
    return folder;
  }

  private start(folder: string, argv: readonly string[], fault: Readonly<Record<string, string>>): Promise<Finished> {
    return llmf(argv, { folder, environment: { LD_PRELOAD: this.shim, LLMF_FAULT_BELOW: folder, ...fault } });
  }

  /** Names and contents of the results that a user keeps. */
  private async resultOf(folder: string): Promise<string> {
    const files = this.faultCase.results.flatMap((name) => filesOf(join(folder, name)));
    const sums = await Promise.all(files.map(async (file) => `${file.slice(folder.length)} ${await sha256(file)}`));
    return sums.toSorted().join('\n');
  }

  private async difference(folder: string, expected: string): Promise<string | null> {
    const got = await this.resultOf(folder);
    return got === expected ? null : `other results:\n${got}\ninstead of\n${expected}`;
  }
}

/** One file operation: its name, and its file, of which the parts that differ between two runs are left out. */
interface Operation {
  readonly name: string;
  readonly file: string;
}

function operationOf(line: string): Operation {
  const [name, path] = line.split('\t') as [string, string];
  return { name, file: path.replaceAll(/[0-9a-f]*[0-9][0-9a-f]*/g, '#') };
}

/** Only what moves bytes can move half of them, and only what takes space can find none. */
function canFail(name: string, kind: FaultKind): boolean {
  if (kind === 'short') return /read|write|copy|sendfile/.test(name) && name !== 'readlink';
  if (kind === 'ENOSPC') return /write|copy|sendfile|open|mkdir|link$|rename|truncate|sync|close/.test(name);
  return true;
}

function endOf({ status, signal, err }: Finished): 'finished' | 'killed' | 'coded' | 'uncoded' {
  if (signal === 'SIGKILL') return 'killed';
  if (status === 0) return 'finished';
  return status === 1 && /^LLMF_/m.test(err) ? 'coded' : 'uncoded';
}

/** What a user keeps of a result: itself, or files of it. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile() && isKept(file));
}

/** Of a folder. Not the run's notes, which hold times, nor its checkpoints, of which a resumed run may keep others. */
const isKept = (file: string): boolean =>
  /\.(safetensors|json|jinja)$/.test(file) && !/run\.json$|[\\/]checkpoints[\\/]/.test(file);

function leftoversIn(folder: string): string | null {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tmp$|\.removed-/.test(name),
  );
  return names.length === 0 ? null : `left: ${names.join(', ')}`;
}

/** Numbers from 1 to `most`, ascending, none twice. */
function drawn(most: number, count: number, stream: string): number[] {
  if (count >= most) return Array.from({ length: most }, (_, at) => at + 1);
  const values = uniforms({ seed: 0, stream, step: 0, microbatch: 0 }, 'operations', 4 * count);
  return [...new Set(Array.from(values, (value) => 1 + Math.floor(value * most)))]
    .slice(0, count)
    .sort((a, b) => a - b);
}
