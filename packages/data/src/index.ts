// SPDX-License-Identifier: Apache-2.0
export { data, data as default, dataService } from './plugin.js';
export { dataOptions, dataOptionsSection, sourceOptions, type DataOptions, type SourceOptions } from './options.js';
export { collate, packedLength } from './batch/collate.js';
export { cutIntoPasses, cutLengths } from './batch/cut-into-passes.js';
export { createSampler, type SamplerSettings } from './sampler.js';
export { ExampleTransformToken, type ExampleTransform } from './extension-points.js';
export {
  columnRoles,
  DataFormatToken,
  type ColumnRole,
  type DataFormat,
  type Tags,
  type WantedRows,
} from './formats/data-format.js';
export type { Cells } from './formats/cells.js';
export type * from './formats/example.js';
export { RowProblem } from './readers/row-reader.js';
export { errors as dataErrors } from './errors.js';
export { Tokenizer, type SpecialToken } from './tokenizer.js';
export { tokenizerOfRun, vocabularyOf } from './tokenizer-of-run.js';
export { chooseTemplate, type ChosenTemplate } from './templates/choose.js';
export { ChatTemplate } from './templates/chat-template.js';
export { namedTemplates } from './templates/named.js';
export { encodePrompt, stopTokens } from './prompt.js';
export { openRows, type OpenedRows, type OpenRowsSettings } from './open-rows.js';
export { openData, type OpenedData } from './service.js';
export { canBeRead } from './can-be-read.js';
export type { RowView } from './store/row-view.js';
export { describeRow, describeSplit, descriptionLines, type SplitDescription } from './describe.js';
export { summarize, type DropSummary } from './drop-report.js';
