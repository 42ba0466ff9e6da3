// SPDX-License-Identifier: Apache-2.0
// The pages of docs/ that hold generated parts, and what belongs into each.
import { TrainingRun } from '@llmf/core';
import { createTrainingHooks } from '@llmf/training';
import { articleTables } from './articles.mjs';
import { adapterEqualityTable } from './adapter-equality.mjs';
import { commandHelp } from './command-help.mjs';
import { equalityTable } from './equality-table.mjs';
import { errorCatalogue, errorTables } from './error-catalogue.mjs';
import { hookTable } from './hook-table.mjs';
import { optionTables } from './option-tables.mjs';
import { stageEqualityTable } from './stage-equality.mjs';
import { templateTable, valueTable } from './value-tables.mjs';

/** Generated text by page and part. @param importFile imports a source file of a package */
export async function generatedText(engine, importFile) {
  return {
    'articles.md': { articles: articleTables() },
    'configuration.md': { options: optionTables(engine) },
    'commands.md': { commands: await commandHelp(importFile) },
    'errors.md': { errors: errorTables(await errorCatalogue(importFile)) },
    'plugins.md': {
      'engine-hooks': hookTable(Object.keys(engine.hooks), 'core/src/contracts/engine.ts'),
      'training-hooks': hookTable(Object.keys(createTrainingHooks()), 'training/src/contracts/hooks.ts'),
      'run-hooks': hookTable(Object.keys(runHooks(engine)), 'core/src/contracts/run.ts'),
    },
    'data.md': { templates: templateTable() },
    'models.md': {
      architectures: valueTable(engine, 'architectures'),
      equality: equalityTable(),
      adapters: valueTable(engine, 'adapters'),
    },
    'adapters.md': { 'adapter-equality': adapterEqualityTable() },
    'stages.md': { 'stage-equality': stageEqualityTable() },
    'losses.md': { references: valueTable(engine, 'references') },
  };
}

const silent = { info() {}, warn() {} };
const runHooks = (engine) => new TrainingRun({}, engine.container.createChild(), '', '', silent).hooks;
