// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import {
  DataServiceToken,
  defaultMaxLength,
  type Batch,
  type EmbeddingPass,
  type EncodedRow,
  type LossTerm,
  type RowSet,
  trainingHooks,
  dataSection,
} from '@llmf/training';
import { token, type Run, findSection } from '@llmf/core';
import { type ActiveAdapter, changesLayer, tf } from '@llmf/nn';
import { addContrast, type LoadedMedia } from './batch/add-contrast.js';
import { batchMedia, embedMedia, mediaOf, replaceEmbeddings } from './batch/batch-media.js';
import type { MediaAccess } from './media/open-media.js';
import { freezeHalves } from './models/frozen-halves.js';
import { VisionLanguageModel } from './models/vision-language-model.js';
import type { VisionOptions } from './options.js';
import { HeaderIndex } from './rows/header-index.js';
import { planTokens, type MediaPlan } from './rows/media-plan.js';
import { expandRow } from './rows/complete-row.js';
import type { MediaRowSettings } from './rows/media-row-settings.js';
import { MediaRows } from './rows/media-rows.js';
import { PatchStore } from './rows/patch-store.js';
import { isRowMedia } from './rows/row-media.js';
import { writePlaceholders, type MediaExample } from './rows/write-placeholders.js';
import { shuffledMargins } from './shuffled-margins.js';
import type { TowerContext } from './tower/vision-tower.js';
import { readMediaModel, turnTokens, type MediaModel } from './vision-settings.js';

/** What the data plugin applies to every example before it is tokenized; by its token only, to import no plugin. */
interface ExampleTransform {
  readonly name: string;
  readonly version: string;
  readonly fitsMedia: boolean;
  apply<E extends MediaExample>(example: E): E;
}
const ExampleTransformToken = token<ExampleTransform>('example-transform', '@llmf/data');

/** Everything that a run of a vision-language model does about pictures. */
export class VisionRun {
  readonly #store: PatchStore;
  /** The last batch's embeddings under a frozen tower, which policy and reference share. */
  #seen: { readonly batch: Batch; readonly model: unknown; readonly tensor: tf.Tensor2D } | null = null;
  /** Held-out rows that can show another row's pictures. */
  #evaluation: MediaRows | null = null;
  #wantsContrast = false;
  /** Pictures and films that went through the tower. */
  #towerMedia = 0;

  private constructor(
    private readonly run: Run,
    private readonly options: VisionOptions,
    private readonly model: MediaModel,
    private readonly headers: HeaderIndex,
  ) {
    const cache = cacheFolder(run, options);
    const folder = cache === null ? null : join(cache, 'pictures');
    this.#store = new PatchStore(model.settings, { folder, memoryBytes: options.memoryBytes });
  }

  /** null where the run's model has no eyes. */
  static async open(run: Run, options: VisionOptions): Promise<VisionRun | null> {
    const model = await readMediaModel(run, options);
    if (model === null) return null;
    const cache = cacheFolder(run, options);
    return new VisionRun(
      run,
      options,
      model,
      await HeaderIndex.open(cache === null ? null : join(cache, 'headers.jsonl')),
    );
  }

  tap(): void {
    const { hooks, container, record } = this.run;
    const training = trainingHooks(this.run);
    const { image, video } = this.model.settings;
    record['vision'] = { image, video };
    container.register(ExampleTransformToken, {
      name: 'vision',
      version: '2',
      fitsMedia: true,
      apply: writePlaceholders,
    });
    training.modelLoaded.tap('vision', (model) =>
      VisionLanguageModel.is(model) ? freezeHalves(model, this.options.freeze) : model,
    );
    training.lossTerms.tap('vision', (terms) => this.#noteNeeds(terms));
    training.datasetReady.tapPromise('vision', (rows, { split }) => this.#rows(rows, split));
    training.rowsEncoded.tapPromise('vision', (rows) => this.#expand(rows));
    training.batchCollated.tapPromise('vision', (batch) => this.#load(batch));
    training.inputsEmbedded.tap('vision', (embedded, batch, pass) => this.#embed(embedded, batch, pass));
    hooks.evaluate.tapPromise('vision', async (metrics) => ({ ...metrics, ...(await this.#evaluate()) }));
    hooks.end.tapPromise('vision', async () =>
      this.run.logger.info(`vision: ${this.#towerMedia} media through the tower, ${this.#store.decoded} decoded`),
    );
    hooks.shutdown.tapPromise('vision', async () => this.#seen?.tensor.dispose());
  }

  #noteNeeds(terms: LossTerm[]): LossTerm[] {
    this.#wantsContrast = terms.some(({ loss, options }) => loss.needs(options).contrast === 'media');
    return terms;
  }

  async #rows(rows: RowSet, split: 'train' | 'eval' | 'score'): Promise<RowSet> {
    const prepared = await MediaRows.prepare(rows, await this.#rowSettings(split), this.headers);
    if (split === 'eval' && this.options.shuffledEval) this.#evaluation = prepared;
    const lost = rows.length - prepared.length;
    if (lost > 0 && split !== 'score')
      this.run.logger.warn(`${lost} of ${rows.length} rows of ${split} were dropped for their media`);
    return prepared;
  }

  async #rowSettings(split: 'train' | 'eval' | 'score'): Promise<MediaRowSettings> {
    const { options, run, model } = this;
    const { tokens, shape, tokensPerSecond, hasFilms } = model.facts;
    const data = findSection(run.config, dataSection);
    const tokenizerFolder = data?.tokenizer ? resolve(run.folder, data.tokenizer) : model.folder;
    const turns = options.truncation === 'dropTurns' ? await turnTokens(tokenizerFolder) : null;
    const isScored = split === 'score';
    const fit = isScored
      ? ({ maxLength: model.contextLength, policy: 'dropRow' } as const)
      : { maxLength: data?.maxLength ?? defaultMaxLength(model.contextLength), policy: options.truncation };
    return {
      access: this.#access(),
      folder: options.folder === null ? null : resolve(run.folder, options.folder),
      media: model.settings,
      video: options.video,
      hasFilms,
      fit: { ...fit, tokens, turns },
      mrope: { tokens, mergeSize: shape.mergeSize, tokensPerSecond, continuation: options.videoContinuation },
      onBadMedia: isScored ? 'drop' : options.onBadMedia,
      decodeFirst: options.decodeFirst ? (plan) => this.#store.prepare(plan, this.#accessOf(plan)) : null,
      split,
      stop: run.stop,
      contrast: this.#wantsContrast ? { kind: options.contrast, seed: run.config.train.seed } : null,
    };
  }

  /** Rows that belong to no split, such as a prompt to answer, are completed here. */
  async #expand(rows: EncodedRow[]): Promise<EncodedRow[]> {
    if (rows.every(({ media }) => media.every(isRowMedia))) return rows;
    const settings = await this.#rowSettings('score');
    return await Promise.all(
      rows.map((row) =>
        row.media.every(isRowMedia) ? row : expandRow(row, settings, this.headers, `row ${row.index + 1}`),
      ),
    );
  }

  async #load(batch: Batch): Promise<Batch> {
    const rows = batch.media.filter(isRowMedia);
    if (rows.length !== batch.groups) return batch;
    const { settings, facts } = this.model;
    const collate = (contrasts: readonly EncodedRow[]) =>
      this.run.container.resolve(DataServiceToken).collate(this.run, contrasts);
    const tokensOf = (plan: MediaPlan) => planTokens(plan, settings);
    const { batch: whole, plans, sources } = addContrast(batch, rows, facts.tokens, tokensOf, collate);
    const media = await Promise.all(plans.map((plan) => this.#loaded(plan)));
    return { ...whole, media: plans.length === 0 ? [] : [batchMedia({ media, sources })] };
  }

  async #loaded(plan: MediaPlan): Promise<LoadedMedia> {
    const frames = await this.#store.frames(plan, this.#accessOf(plan));
    return { frames, shape: this.model.settings[plan.kind].processor };
  }

  #embed(embedded: tf.Tensor2D, batch: Batch, pass: EmbeddingPass): tf.Tensor2D {
    const media = mediaOf(batch);
    const model = pass.model;
    if (media === undefined || !VisionLanguageModel.is(model)) return embedded;
    // Rows of the tower are patches: its masks are those of a pass, not of the step's tokens.
    const randomKey = { ...pass.randomKey, microbatch: pass.firstToken ?? 0 };
    const context: TowerContext = { ...pass, randomKey, firstToken: 0 };
    const { tower, projector } = this.options.freeze;
    if (!tower || !projector || adaptsTower(context.adapter, model))
      return replaceEmbeddings(embedded, this.#runTower(model, batch, context), media.sources);
    if (this.#seen?.batch !== batch || this.#seen.model !== model.tower) {
      this.#seen?.tensor.dispose();
      const tensor = tf.keep(this.#runTower(model, batch, { ...context, adapter: null, training: false }));
      this.#seen = { batch, model: model.tower, tensor };
    }
    return replaceEmbeddings(embedded, this.#seen.tensor, media.sources);
  }

  #runTower(model: VisionLanguageModel, batch: Batch, context: TowerContext): tf.Tensor2D {
    const media = mediaOf(batch)!;
    this.#towerMedia += media.media.length;
    return embedMedia(media, model.tower, context);
  }

  async #evaluate(): Promise<Record<string, number>> {
    return this.#evaluation === null ? {} : await shuffledMargins(this.run, this.#evaluation);
  }

  #accessOf({ folder }: MediaPlan): MediaAccess {
    return { ...this.#access(), folder };
  }

  #access(): Omit<MediaAccess, 'folder'> {
    const { outsideFolder, remote } = this.options;
    const cache = cacheFolder(this.run, this.options);
    const { allow, ...limits } = remote;
    return { outsideFolder, remote: allow ? limits : null, cacheFolder: cache === null ? null : join(cache, 'remote') };
  }
}

/** An adapter that was trained with the tower acts on it, also where new training would leave the tower alone. */
const adaptsTower = (adapter: ActiveAdapter | null, { towerParts }: VisionLanguageModel): boolean =>
  adapter !== null && [...towerParts.linears.keys()].some((path) => changesLayer(adapter, path));

const cacheFolder = (run: Run, { cache }: VisionOptions): string | null =>
  cache === 'off' ? null : resolve(run.folder, cache);
