// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { temporaryFolder } from '@llmf/core';
import type { WantedRows, DataFormat } from './formats/data-format.js';
import { builtInFormats } from './formats/index.js';
import type { ExampleTransform } from './extension-points.js';
import type { SourceOptions } from './options.js';
import { resolveSources } from './sources/source.js';
import { storeOf } from './store/build-store.js';
import { mix } from './store/mixture.js';
import { RowView } from './store/row-view.js';
import { chooseTemplate } from './templates/choose.js';
import { Tokenizer } from './tokenizer.js';
import { tokenizerOrNull } from './tokenizer-of-run.js';

export interface OpenRowsSettings {
  /** What `data.train` takes as an entry. */
  readonly source: SourceOptions;
  /** Folder that paths start from. */
  readonly folder: string;
  readonly tokenizerFolder: string;
  readonly template: string;
  /** `any`: pairs where the file has them, else labelled or single rows, else text. */
  readonly wanted?: WantedRows;
  /** null: rows are never cut. */
  readonly maxLength?: number | null;
  readonly systemPrompt?: string | null;
  /** Prompts end as the tokenizer ends a text, for a model that reads them through an encoder. */
  readonly wholePrompts?: boolean;
  readonly formats?: readonly DataFormat[];
  readonly transforms?: readonly ExampleTransform[];
  /** Size of the model's embedding, where it is known. */
  readonly vocabulary?: number | null;
  readonly notice?: (line: string) => void;
}

export interface OpenedRows {
  readonly rows: RowView;
  /** null: the rows hold token ids and the folder has no tokenizer. */
  readonly tokenizer: Tokenizer | null;
}

/** The rows of a data file outside a run (scoring), tokenized as training would, into a temporary folder. */
export async function openRows(settings: OpenRowsSettings): Promise<OpenedRows> {
  const { folder, tokenizerFolder, notice = () => undefined } = settings;
  const cacheFolder = await temporaryFolder('llmf-rows');
  const remove = () => rm(cacheFolder, { recursive: true, force: true });
  try {
    const tokenizer = await tokenizerOrNull(tokenizerFolder);
    const [source] = await resolveSources([settings.source], folder, notice);
    const limits = { samples: source!.samples, atMost: null };
    const { store, fingerprint } = await storeOf(source!, limits, {
      folder,
      wanted: settings.wanted ?? 'any',
      extras: [],
      formats: [...(settings.formats ?? []), ...builtInFormats],
      transforms: settings.transforms ?? [],
      tokenizer,
      tokenizerFolder,
      template: tokenizer === null ? null : await chooseTemplate(settings.template, tokenizer, folder),
      templateName: settings.template,
      encoding: {
        systemPrompt: settings.systemPrompt ?? null,
        maxLength: settings.maxLength ?? null,
        truncation: 'keepStart',
        trainOnPrompt: false,
        maskHistory: false,
        leavesMedia: (settings.transforms ?? []).some(({ fitsMedia }) => fitsMedia === true),
        asText: settings.wanted === 'text',
        ...(settings.wholePrompts === true ? { wholePrompts: true } : {}),
      },
      vocabulary: settings.vocabulary ?? null,
      cacheFolder,
      workers: 'auto',
      notice,
    });
    const order = mix([Uint32Array.from({ length: store.length }, (_, row) => row)], {
      mixture: 'concat',
      weights: [1],
      shuffle: false,
    });
    const release = async () => {
      await store.close();
      await remove();
    };
    return { rows: new RowView([store], order, fingerprint, store.facts.dropped, release), tokenizer };
  } catch (error) {
    await remove();
    throw error;
  }
}
