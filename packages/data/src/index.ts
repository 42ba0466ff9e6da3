// SPDX-License-Identifier: Apache-2.0
export { data, data as default, dataService } from './plugin.js';
export { dataOptions, sourceOptions, type DataOptions, type SourceOptions } from './options.js';
export { collate, packedLength } from './batch/collate.js';
export { splitMicrobatch } from './batch/split-microbatch.js';
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
