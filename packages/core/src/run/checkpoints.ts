// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateValue } from '../contracts/state.js';
import { syncFolder, writeFileAtomic, writeFolderAtomic } from '../files/atomic-write.js';
import { readSafetensors, writeSafetensors, type HostTensor } from '../files/safetensors.js';
import { runErrors } from './run-errors.js';
import { makeFolder } from '../files/make-folder.js';

/** Version of the layout below; a reader refuses another one. */
const layoutVersion = 1;

/** What `state.json` of a checkpoint holds; tensors lie beside it, one safetensors file per state. */
interface CheckpointManifest {
  readonly layoutVersion: number;
  readonly step: number;
  /** Keys of the config that decide the result, for the comparison on resume. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly states: Readonly<Record<string, { readonly json?: unknown; readonly file?: string }>>;
}

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
    states: ReadonlyMap<string, StateValue>,
  ): Promise<string> {
    makeFolder(this.root);
    const folder = this.folderOf(step);
    await this.discard(folder);
    await writeFolderAtomic(folder, async (temporary) => {
      const manifest: CheckpointManifest = {
        layoutVersion,
        step,
        config,
        states: Object.fromEntries([...states].map(([name, value]) => [name, manifestEntry(name, value)])),
      };
      for (const [name, { tensors }] of states) {
        if (tensors !== undefined) await writeSafetensors(join(temporary, stateFile(name)), tensors);
      }
      await writeFileAtomic(join(temporary, 'state.json'), `${JSON.stringify(manifest, null, 2)}\n`);
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
    const names = await readdir(this.root).catch(() => []);
    return names
      .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** The newest checkpoint, or null when there is none. @throws LLMF_CORE_CHECKPOINT_BROKEN. */
  async readLatest(): Promise<Checkpoint | null> {
    const step = (await this.steps()).at(-1);
    return step === undefined ? null : await this.read(step);
  }

  /** Removes what a killed process left under temporary names. */
  async clean(): Promise<void> {
    for (const name of await readdir(this.root).catch(() => [])) {
      if (!/^step-\d+$/.test(name)) await rm(join(this.root, name), { recursive: true, force: true });
    }
  }

  async read(step: number): Promise<Checkpoint> {
    const folder = this.folderOf(step);
    try {
      const manifest = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as CheckpointManifest;
      if (manifest.layoutVersion !== layoutVersion) {
        throw new Error(`layout version ${manifest.layoutVersion}, this llmf reads ${layoutVersion}`);
      }
      const states = new Map<string, StateValue>();
      for (const [name, { json, file }] of Object.entries(manifest.states)) {
        const tensors: Record<string, HostTensor> | undefined =
          file === undefined ? undefined : await readSafetensors(join(folder, file));
        states.set(name, { json, ...(tensors === undefined ? {} : { tensors }) });
      }
      return { step: manifest.step, folder, config: manifest.config, states };
    } catch (error) {
      throw runErrors.checkpointBroken({ folder, reason: (error as Error).message }, { cause: error });
    }
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

function manifestEntry(name: string, value: StateValue): { json?: unknown; file?: string } {
  return {
    ...(value.json === undefined ? {} : { json: value.json }),
    ...(value.tensors === undefined ? {} : { file: stateFile(name) }),
  };
}

const stateFile = (name: string) => `${name.replaceAll('/', '-')}.safetensors`;
