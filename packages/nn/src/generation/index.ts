// SPDX-License-Identifier: Apache-2.0
export { generate, logitsOf, type Generated, type GenerateOptions } from './generate.js';
export { TensorCache } from './key-value-cache.js';
export type { SamplingOptions } from './sample.js';
