// SPDX-License-Identifier: Apache-2.0
export { BatchedGenerator } from './batched-generator.js';
export { generate, type Generated, type GenerateOptions } from './generate.js';
export { KeyValueArena } from './key-value-arena.js';
export { logitsOf } from './logits.js';
