// SPDX-License-Identifier: Apache-2.0
import { readHeads, type Architecture, type ModelLoader } from '@llmf/nn';
import { replaceTokenFiles } from './files/companion-files.js';
import { isClassifier, readClassifierHead, readNamed } from './files/classifier.js';
import { inspectModel, loadModel } from './files/load-model.js';
import { locateModel } from './files/locate-model.js';
import { readModelConfig } from './files/model-config.js';
import { saveAdapter } from './files/save-adapter.js';
import { saveModel } from './files/save-model.js';
import { fingerprintOf, watchWeights } from './files/weight-files.js';
import type { PackedForms } from './files/stored-weights.js';

export interface LoaderSettings {
  /** Finds the architecture of a model that is saved. */
  readonly find: (modelType: string) => Architecture;
  /** Reads weights in fewer bits; left out: none are known. */
  readonly forms?: PackedForms;
  /** Weights above this many bytes are split into several files; 5 GB as Transformers. */
  readonly shardBytes?: number;
}

const noForms: PackedForms = { formats: () => [], layouts: () => [] };

/** Reads and writes Hugging Face model folders, and reads GGUF files. */
export function createModelLoader({ find, forms = noForms, shardBytes = 5e9 }: LoaderSettings): ModelLoader {
  return {
    locate: (path, from) => locateModel(path, from),
    load: (folder, options) => loadModel(folder, options, forms),
    inspect: (folder, architecture) => inspectModel(folder, architecture, forms),
    heads: async (folder) => {
      const config = await readModelConfig(folder);
      if (!isClassifier(config)) return await readHeads(folder);
      return await readClassifierHead(folder, config, find(config.model_type));
    },
    headWeights: async (folder, names) =>
      await readNamed(folder, names, find((await readModelConfig(folder)).model_type)),
    save: (model, folder, options) =>
      saveModel(model, folder, options, { architecture: find(model.modelType), forms, shardBytes }),
    saveAdapter: (adapter, folder, options) => saveAdapter(adapter, folder, options, find),
    fingerprint: fingerprintOf,
    watch: watchWeights,
    replaceTokenFiles,
  };
}
