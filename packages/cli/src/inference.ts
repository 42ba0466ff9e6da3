// SPDX-License-Identifier: Apache-2.0
import { loadModel } from '@llmf/training';
import { readdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  applyOverrides,
  isOverride,
  resolveConfig,
  sectionOf,
  startBackend,
  temporaryFolder,
  TrainingRun,
  wholeSource,
  type EngineImplementation,
  type Logger,
} from '@llmf/core';
import {
  adapterKindOf,
  AdapterToken,
  AttachedHead,
  completeHeads,
  ModelLoaderToken,
  type AttachedAdapter,
  type Model,
} from '@llmf/nn';
import { cliErrors } from './cli-errors.js';
import { composeEngine } from './compose-engine.js';
import type { CliIo } from './io.js';

export interface InferenceRequest {
  /** Model folder or hub id, relative to the user's folder. */
  readonly model: string;
  /** PEFT adapter folder. */
  readonly adapter?: string;
  readonly precision?: string;
  readonly backend?: string;
  readonly plugins: readonly string[];
  /** Further parts of the config that the command reads. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** `key=value` arguments for the backend and the sections of plugins, such as `vision.outsideFolder=true`. */
  readonly settings: readonly string[];
  /** Other keys of the config that may be set so. */
  readonly settable?: readonly string[];
  /** For messages: `llmf score`. */
  readonly command: string;
}

/** A loaded model that is only asked, never trained. */
export interface Inference {
  readonly engine: EngineImplementation;
  /** Carries config, container and hooks, as plugins expect them; it has no output folder of the user's. */
  readonly run: TrainingRun;
  readonly folder: string;
  /** Where tokenizer and template come from: the adapter's folder where it holds them, as what it was trained with. */
  readonly tokenizerFolder: string;
  /** With the modules that the adapter has in the place of the model's: its vocabulary may be larger. */
  readonly model: Model;
  readonly adapter: AttachedAdapter | null;
  /** Those that the adapter's or the model's folder holds, by name. */
  readonly heads: ReadonlyMap<string, AttachedHead>;
  close(): Promise<void>;
}

/** Composes an engine, starts the backend and loads model and adapter, all weights frozen. */
export async function openInference(io: CliIo, request: InferenceRequest, logger: Logger): Promise<Inference> {
  const { engine, named } = await composeEngine({ folder: io.folder, plugins: request.plugins });
  const scratch = await temporaryFolder('llmf');
  const { backend = 'auto', precision = 'auto', config: more = {} } = request;
  const given = { model: { path: request.model }, backend: { name: backend, precision }, ...more };
  const sections = named.flatMap((plugin) => (plugin.options ? [sectionOf(plugin)] : []));
  const uses = [...Object.keys(given), 'quantization', ...sections];
  try {
    checkSettings(request, ['backend', 'quantization', ...sections]);
    const flags = { raw: given, source: wholeSource('command line'), folder: io.folder, file: null };
    const { raw, source } = applyOverrides(flags, request.settings);
    const config = await resolveConfig(engine, raw, { source, named, uses });
    const run = new TrainingRun(config, engine.container.createChild(), scratch, io.folder, logger);
    const close = async () => {
      await run.hooks.shutdown.promise();
      await engine.close();
      await rm(scratch, { recursive: true, force: true });
    };
    try {
      return { engine, run, ...(await load(engine, run, request)), close };
    } catch (error) {
      await close();
      throw error;
    }
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
}

/** Nothing that is set may go unread. @throws LLMF_CLI_USAGE */
function checkSettings({ settings, settable = [], command }: InferenceRequest, keys: readonly string[]): void {
  const allowed = [...keys, ...settable];
  const isRead = (text: string) =>
    allowed.some((key) => text.startsWith(`${key}.`)) ||
    ['quantization', ...settable].some((key) => text.startsWith(`${key}=`));
  const unread = settings.find((text) => !isOverride(text) || !isRead(text));
  if (unread === undefined) return;
  const problem = `"${unread}" is not a key=value that this command reads (it reads keys of ${allowed.join(', ')})`;
  throw cliErrors.usage({ problem, command });
}

async function load(
  engine: EngineImplementation,
  run: TrainingRun,
  request: InferenceRequest,
): Promise<Pick<Inference, 'folder' | 'tokenizerFolder' | 'model' | 'adapter' | 'heads'>> {
  await engine.hooks.run.promise(run);
  const loader = run.container.resolve(ModelLoaderToken);
  const folder = await loader.locate(request.model, run.folder); // before the backend, which may take a while to start
  await startBackend(engine, run.container, run.config.choices['backend']?.[0], run.logger);
  const model = await loadModel(run, folder);
  run.hooks.shutdown.tap('model', () => model.dispose());
  const adapter = request.adapter === undefined ? null : await attach(engine, run, model, request.adapter);
  const heads = await savedHeads(run, folder, model, adapter);
  const tokenizerFolder = await tokenizerFolderOf(run, folder, request.adapter);
  return { folder, tokenizerFolder, model: adapter?.replaced?.model ?? model, adapter, heads };
}

async function savedHeads(
  run: TrainingRun,
  folder: string,
  { hiddenSize }: Model,
  adapter: AttachedAdapter | null,
): Promise<Map<string, AttachedHead>> {
  const loader = run.container.resolve(ModelLoaderToken);
  const found = adapter?.heads ?? (await loader.heads(folder));
  const saved = found && (await completeHeads(found, folder, loader));
  const heads = saved?.heads.map((head) => [head.name, AttachedHead.load(head, hiddenSize, saved)] as const) ?? [];
  run.hooks.shutdown.tap('heads', () => {
    for (const [, head] of heads) head.dispose();
  });
  return new Map(heads);
}

/** The head that reads the model in the place of its language-model head: it is a classifier or a reward model. */
export const classifierOf = ({ heads }: Pick<Inference, 'heads'>): AttachedHead | null =>
  [...heads.values()].find(({ head }) => head.replacesLanguageModel === true) ?? null;

/** That head, or one beside the language model that scores whole answers, as an encoder–decoder's reward. */
export const judgeOf = (inference: Pick<Inference, 'heads'>): AttachedHead | null =>
  classifierOf(inference) ?? [...inference.heads.values()].find(({ head }) => head.at === 'last') ?? null;

async function tokenizerFolderOf(run: TrainingRun, model: string, adapter: string | undefined): Promise<string> {
  if (adapter === undefined) return model;
  const folder = resolve(run.folder, adapter);
  return (await readdir(folder)).includes('tokenizer.json') ? folder : model;
}

/** The adapter of a PEFT folder, by the kind that reads it. */
async function attach(
  engine: EngineImplementation,
  run: TrainingRun,
  model: Model,
  path: string,
): Promise<AttachedAdapter> {
  const folder = resolve(run.folder, path);
  const kind = await adapterKindOf(engine.container.resolveAll(AdapterToken), folder, '--adapter');
  const adapter = await kind.load(model, folder, '--adapter');
  run.hooks.shutdown.tap('adapter', () => adapter.dispose());
  return adapter;
}
