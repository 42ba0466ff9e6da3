// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { token, type Batch, type EmbeddingPass, type RowSet, type Run } from '@llmf/core';
import { ModelLoaderToken, tf } from '@llmf/nn';
import { batchMedia, embedMedia, mediaOf, replaceEmbeddings } from './batch/batch-media.js';
import { placeMedia } from './batch/place-media.js';
import type { MediaAccess } from './media/open-media.js';
import { freezeHalves } from './models/frozen-halves.js';
import { VisionLanguageModel } from './models/vision-language-model.js';
import type { VisionOptions } from './options.js';
import type { ImageSettings } from './processor/process-image.js';
import { HeaderIndex } from './rows/header-index.js';
import { planTokens, type PerKind } from './rows/media-plan.js';
import { MediaRows } from './rows/media-rows.js';
import { PatchStore } from './rows/patch-store.js';
import { isRowMedia } from './rows/row-media.js';
import { writePlaceholders, type MediaExample } from './rows/write-placeholders.js';
import type { TowerContext } from './tower/vision-tower.js';
import { mediaSettings, turnTokens } from './vision-settings.js';

/** What the data plugin applies to every example before it is tokenized; by its token only, to import no plugin. */
interface ExampleTransform {
  readonly name: string;
  readonly version: string;
  apply<E extends MediaExample>(example: E): E;
}
const ExampleTransformToken = token<ExampleTransform>('example-transform', '@llmf/data');

/** Everything that a run of a vision-language model does about pictures; nothing for any other model. */
export class VisionRun {
  #model: VisionLanguageModel | null = null;
  #settings: PerKind<ImageSettings> | null = null;
  #headers: HeaderIndex | null = null;
  #store: PatchStore | null = null;
  /** The last batch's embeddings under a frozen tower, which policy and reference share. */
  #seen: { readonly batch: Batch; readonly model: unknown; readonly tensor: tf.Tensor2D } | null = null;
  #modelFolder = '';
  /** Pictures and films that went through the tower. */
  #towerMedia = 0;

  constructor(
    private readonly run: Run,
    private readonly options: VisionOptions,
  ) {}

  tap(): void {
    const { hooks } = this.run;
    hooks.modelLoaded.tapPromise('vision', async (model) =>
      VisionLanguageModel.is(model) ? this.#begin(model) : model,
    );
    hooks.datasetReady.tapPromise('vision', (rows, { split }) => this.#rows(rows, split));
    hooks.batchCollated.tapPromise('vision', (batch) => this.#load(batch));
    hooks.inputsEmbedded.tap('vision', (embedded, batch, pass) => this.#embed(embedded, batch, pass));
    hooks.end.tapPromise('vision', async () => {
      if (this.#model === null) return;
      this.run.logger.info(`vision: ${this.#towerMedia} media through the tower, ${this.#store!.decoded} decoded`);
    });
    hooks.shutdown.tapPromise('vision', async () => this.#seen?.tensor.dispose());
  }

  async #begin(model: VisionLanguageModel): Promise<VisionLanguageModel> {
    const { run, options } = this;
    const section = run.config.sections['model'] as { readonly path: string };
    this.#modelFolder = await run.container.resolve(ModelLoaderToken).locate(section.path, run.folder);
    this.#settings = await mediaSettings(this.#modelFolder, options, model.vision);
    run.record['vision'] = { image: this.#settings.image, video: this.#settings.video };
    const cache = this.#cacheFolder();
    this.#headers = await HeaderIndex.open(cache === null ? null : join(cache, 'headers.jsonl'));
    const folder = cache === null ? null : join(cache, 'pictures');
    this.#store = new PatchStore(this.#settings, { folder, memoryBytes: options.memoryBytes });
    run.container.register(ExampleTransformToken, { name: 'vision', version: '1', apply: writePlaceholders });
    this.#model = freezeHalves(model, options.freeze);
    return this.#model;
  }

  async #rows(rows: RowSet, split: 'train' | 'eval'): Promise<RowSet> {
    if (this.#model === null) return rows;
    const { options } = this;
    const { tokens, shape, tokensPerSecond } = this.#model.vision;
    const data = (this.run.config.sections['data'] ?? {}) as {
      readonly maxLength?: number;
      readonly tokenizer?: string | null;
    };
    const tokenizerFolder = data.tokenizer ? resolve(this.run.folder, data.tokenizer) : this.#modelFolder;
    const turns = options.truncation === 'dropTurns' ? await turnTokens(tokenizerFolder) : null;
    const maxLength = data.maxLength ?? this.#model.contextLength;
    const settings = {
      access: this.#access(),
      folder: options.folder === null ? null : resolve(this.run.folder, options.folder),
      media: this.#settings!,
      video: options.video,
      fit: { maxLength, policy: options.truncation, tokens, turns },
      mrope: { tokens, mergeSize: shape.mergeSize, tokensPerSecond, continuation: options.videoContinuation },
      onBadMedia: options.onBadMedia,
      split,
    };
    const prepared = await MediaRows.prepare(rows, settings, this.#headers!);
    const lost = rows.length - prepared.length;
    if (lost > 0) this.run.logger.warn(`${lost} of ${rows.length} rows of ${split} were dropped for their media`);
    return prepared;
  }

  async #load(batch: Batch): Promise<Batch> {
    const rows = batch.media.filter(isRowMedia);
    if (this.#model === null || rows.length !== batch.groups) return batch;
    const settings = this.#settings!;
    const { plans, sources, positions } = placeMedia(batch, rows, this.#model.vision.tokens, (plan) =>
      planTokens(plan, settings),
    );
    if (plans.length === 0) return { ...batch, positions, media: [] };
    const media = await Promise.all(
      plans.map(async (plan) => ({
        frames: await this.#store!.frames(plan, { ...this.#access(), folder: plan.folder }),
        shape: settings[plan.kind].processor,
      })),
    );
    return { ...batch, positions, media: [batchMedia({ media, sources })] };
  }

  #embed(embedded: tf.Tensor2D, batch: Batch, pass: EmbeddingPass): tf.Tensor2D {
    const media = mediaOf(batch);
    const model = pass.model;
    if (media === undefined || !VisionLanguageModel.is(model)) return embedded;
    // nn passes the whole mode of the forward pass; core's contract only names what it knows.
    const context = pass as EmbeddingPass & TowerContext;
    const { tower, projector } = this.options.freeze;
    if (!tower || !projector) return replaceEmbeddings(embedded, this.#runTower(model, batch, context), media.sources);
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

  #access(): Omit<MediaAccess, 'folder'> {
    const { outsideFolder, remote } = this.options;
    const cache = this.#cacheFolder();
    const { allow, ...limits } = remote;
    return { outsideFolder, remote: allow ? limits : null, cacheFolder: cache === null ? null : join(cache, 'remote') };
  }

  #cacheFolder(): string | null {
    return this.options.cache === 'off' ? null : resolve(this.run.folder, this.options.cache);
  }
}
