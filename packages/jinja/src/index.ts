// SPDX-License-Identifier: Apache-2.0
export { Template, type Rendered, type RenderOptions } from './template.js';
export { limitsFor, type Limits } from './runtime/budget.js';
export type { Span } from './runtime/executor.js';
export { TemplateError, type FaultKind, type PythonException } from './template-error.js';
export { JsonNumber } from './values/json-number.js';
export { parseJson } from './values/parse-json.js';
export { jsonText } from './json-text.js';
