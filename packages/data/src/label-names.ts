// SPDX-License-Identifier: Apache-2.0
import { readSection, type Run } from '@llmf/core';
import { errors } from './errors.js';
import { DataFormatToken } from './formats/data-format.js';
import { builtInFormats } from './formats/index.js';
import { dataOptionsSection } from './options.js';
import { RowProblem } from './readers/row-reader.js';
import { openSourceFile, readExamples } from './sources/open-source-file.js';
import { resolveSources, type SourceFile } from './sources/source.js';
import { entriesOf } from './task-entries.js';

const blockRows = 1024;

/**
 * Every label of the training rows as text: numbers by their size, names by their characters, as Transformers' examples
 * sort them (run_classification.py).
 * @throws LLMF_DATA_NO_LABELS
 */
export async function labelsOfRun(run: Run, task?: string): Promise<string[]> {
  const { train } = readSection(run.config, dataOptionsSection);
  const formats = [...run.container.resolveAll(DataFormatToken), ...builtInFormats];
  const labels = new Set<string>();
  for (const { files } of await resolveSources(entriesOf(train, task), run.folder, () => undefined)) {
    for (const file of files) await collect(file, formats, labels);
  }
  if (labels.size === 0) throw errors.noLabels({});
  const names = [...labels];
  const areNumbers = names.every((name) => name.trim() !== '' && Number.isFinite(Number(name)));
  return areNumbers ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}

async function collect(file: SourceFile, formats: typeof builtInFormats, labels: Set<string>): Promise<void> {
  const opened = await openSourceFile(file, formats, 'classified', []);
  try {
    for (let first = 0; first < opened.reader.length; first += blockRows) {
      const rows = await opened.reader.read(first, Math.min(blockRows, opened.reader.length - first));
      for (const row of rows) {
        const examples = readExamples(row, opened, 'classified');
        if (examples instanceof RowProblem) continue; // told when the rows are encoded
        for (const example of examples)
          if (example.kind === 'sequences') for (const label of example.labels ?? []) labels.add(String(label));
      }
    }
  } finally {
    await opened.reader.close();
  }
}
