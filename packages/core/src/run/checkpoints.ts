// SPDX-License-Identifier: Apache-2.0
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateToWrite, StateValue } from '../contracts/state.js';
import { syncFolder, writeFileAtomic, writeFolderAtomic } from '../files/atomic-write.js';
import { Damage, fileSum, type FileSum } from '../files/file-sum.js';
import { entriesIfThere } from '../files/if-there.js';
import { makeFolder } from '../files/make-folder.js';
import { readText } from '../files/read-whole.js';
import {
  readSafetensors,
  streamSafetensors,
  writeSafetensors,
  type HostTensor,
  type TensorToWrite,
} from '../files/safetensors.js';
import { layoutVersion, manifestText, parseManifest, type ManifestState } from './checkpoint-manifest.js';
import { runErrors } from './run-errors.js';

export interface Checkpoint {
  readonly step: number;
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly states: ReadonlyMap<string, StateValue>;
}

/**
 * `checkpoints/step-N/` of a run. A folder with that name is always whole: it is filled under a temporary name, synced
 * and renamed; old ones are renamed away before they are deleted, so a kill at any moment leaves none half there.
 */
export class CheckpointStore {
  private readonly root: string;

  constructor(output: string) {
    this.root = join(output, 'checkpoints');
  }

  async write(
    step: number,
    config: Readonly<Record<string, unknown>>,
    states: ReadonlyMap<string, StateValue | StateToWrite>,
  ): Promise<string> {
    makeFolder(this.root);
    const folder = this.folderOf(step);
    await this.discard(folder);
    await writeFolderAtomic(folder, async (temporary) => {
      const entries: Record<string, ManifestState> = {};
      for (const [name, value] of states) entries[name] = await writeState(temporary, name, value);
      const manifest = { layoutVersion, step, config, states: entries } as const;
      await writeFileAtomic(join(temporary, 'state.json'), manifestText(manifest));
    });
    return folder;
  }

  /** Keeps the newest `keep` checkpoints, and that of step `best`. */
  async prune(keep: number, best: number | null = null): Promise<void> {
    const steps = await this.steps();
    const old = steps.slice(0, Math.max(0, steps.length - keep)).filter((step) => step !== best);
    for (const step of old) await this.discard(this.folderOf(step));
  }

  /** Steps of the whole checkpoints, ascending. */
  async steps(): Promise<number[]> {
    const names = await entriesIfThere(this.root);
    return names
      .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  /**
   * The newest checkpoint, or null when there is none.
   * @throws LLMF_CORE_CHECKPOINT_BROKEN naming the file, and the newest checkpoint before it that is whole
   */
  async readLatest(): Promise<Checkpoint | null> {
    const step = (await this.steps()).at(-1);
    return step === undefined ? null : await this.read(step);
  }

  /** Removes what a killed process left under temporary names. */
  async clean(): Promise<void> {
    for (const name of await entriesIfThere(this.root)) {
      if (!/^step-\d+$/.test(name)) await rm(join(this.root, name), { recursive: true, force: true });
    }
  }

  /** @throws as `readLatest` */
  async read(step: number): Promise<Checkpoint> {
    const found = await this.tryRead(step);
    if (!isBroken(found)) return found;
    const { file, error } = found;
    const facts = { file, reason: error.message, good: await this.newestGood(step) };
    throw runErrors.checkpointBroken(facts, { cause: error });
  }

  /** Every file is compared with its sum before it is believed. */
  private async tryRead(step: number): Promise<Checkpoint | BrokenFile> {
    const folder = this.folderOf(step);
    let file = join(folder, 'state.json');
    try {
      const manifest = parseManifest(await readText(file));
      if (manifest.step !== step) throw new Damage(`it is of step ${manifest.step}`);
      const states = new Map<string, StateValue>();
      for (const [name, { json, sum }] of Object.entries(manifest.states)) {
        file = join(folder, stateFile(name));
        states.set(name, { json, ...(sum === undefined ? {} : { tensors: await readSummed(file, sum) }) });
      }
      return { step, folder, config: manifest.config, states };
    } catch (error) {
      return { file, error: error as Error };
    }
  }

  /** The newest whole checkpoint before a step; null: there is none. */
  private async newestGood(before: number): Promise<number | null> {
    for (const step of (await this.steps()).filter((each) => each < before).reverse()) {
      if (!isBroken(await this.tryRead(step))) return step;
    }
    return null;
  }

  private async discard(folder: string): Promise<void> {
    const doomed = join(this.root, `.removed-${process.pid}-${Date.now()}`);
    try {
      await rename(folder, doomed);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await syncFolder(this.root);
    await rm(doomed, { recursive: true, force: true });
  }

  private folderOf(step: number): string {
    return join(this.root, `step-${step}`);
  }
}

/** The file of a checkpoint that cannot be believed, and why. */
interface BrokenFile {
  readonly file: string;
  readonly error: Error;
}

const isBroken = (found: Checkpoint | BrokenFile): found is BrokenFile => 'error' in found;

async function writeState(folder: string, name: string, state: StateValue | StateToWrite): Promise<ManifestState> {
  const { json, tensors } = state;
  const entry = json === undefined ? {} : { json };
  if (tensors === undefined) return entry;
  const file = join(folder, stateFile(name));
  return {
    ...entry,
    sum: await (isList(tensors) ? streamSafetensors(file, tensors) : writeSafetensors(file, tensors)),
  };
}

const isList = (tensors: object): tensors is readonly TensorToWrite[] => Array.isArray(tensors);

async function readSummed(file: string, expected: FileSum): Promise<Record<string, HostTensor>> {
  const got = await fileSum(file);
  if (got.bytes !== expected.bytes) throw new Damage(`${got.bytes} bytes instead of ${expected.bytes}`);
  if (got.crc32 !== expected.crc32) throw new Damage('its bytes are not those that were written');
  return await readSafetensors(file);
}

/** No two names give one file. */
const stateFile = (name: string) => `${encodeURIComponent(name)}.safetensors`;
