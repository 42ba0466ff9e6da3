// SPDX-License-Identifier: Apache-2.0
import { apiVersion, RowKindToken, type Plugin, type Run, type TellRowKind, readSection } from '@llmf/core';
import { DataServiceToken, type DataService, type RowLayout } from '@llmf/training';
import { collate } from './batch/collate.js';
import { cutIntoPasses } from './batch/cut-into-passes.js';
import { dataOptions, dataOptionsSection } from './options.js';
import { createSampler } from './sampler.js';

const optionsOf = (run: Run) => readSection(run.config, dataOptionsSection);

const layoutOf = ({ decoderStart }: RowLayout = {}): RowLayout => (decoderStart === undefined ? {} : { decoderStart });

/** What reads files and tokenizers is loaded when it is first needed: `llmf --help` does without. */
export const dataService: DataService = {
  async open(run, request) {
    const { openData } = await import('./service.js');
    return openData(run, request);
  },
  async labels(run, task) {
    const { labelsOfRun } = await import('./label-names.js');
    return await labelsOfRun(run, task);
  },
  async report(run, splits, task) {
    const { writeReport } = await import('./drop-report.js');
    const dropped = { train: splits.train.dropped, eval: splits.eval?.dropped ?? [] };
    const summary = await writeReport(run.output, dropped, task);
    if (summary !== null) run.logger.warn(summary);
  },
  sampler: (run, { rows, rowsPerStep }) =>
    createSampler({
      length: rows.length,
      rowsPerStep,
      seed: run.config.train.seed,
      shuffle: optionsOf(run).shuffle,
      world: run.world,
    }),
  passes: (run, rows, limits, layout) =>
    cutIntoPasses(rows, { ...limits, ...layoutOf(layout), promptOnce: optionsOf(run).promptOnce }),
  async text(run) {
    const { rowText } = await import('./row-text.js');
    return await rowText(run);
  },
  async reader(run, folder, template) {
    const { openChatReader } = await import('./chat-reader.js');
    return await openChatReader(folder, template, run.folder);
  },
  async sharesVocabulary(run, folder) {
    const [{ tokenFoldersOf }, { sameVocabulary }] = await Promise.all([
      import('./tokenizer-of-run.js'),
      import('./same-vocabulary.js'),
    ]);
    return await sameVocabulary((await tokenFoldersOf(run)).tokenizer, folder);
  },
  async companions(run, folder) {
    const { writeCompanions } = await import('./companions.js');
    await writeCompanions(run, folder);
  },
  collate: (run, rows, layout) => collate(rows, { ...layoutOf(layout), promptOnce: optionsOf(run).promptOnce }),
};

const tellRowKind: TellRowKind = async (raw, folder) => {
  const { tellRowKind: tell } = await import('./row-kind.js');
  return await tell(raw, folder);
};

/** The data plugin: the config's `data` section and the service that reads it. */
export function data(): Plugin {
  return {
    name: 'data',
    apiVersion,
    description: 'Reads data files in every usual format, renders chats, tokenizes, masks and packs.',
    options: dataOptions,
    apply(engine) {
      engine.provide(DataServiceToken, dataService);
      engine.provide(RowKindToken, tellRowKind);
    },
  };
}

export default data;
