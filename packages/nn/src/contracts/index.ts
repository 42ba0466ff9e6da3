// SPDX-License-Identifier: Apache-2.0
export * from './segments.js';
export * from './head.js';
export * from './low-rank.js';
export * from './model.js';
export * from './token-files.js';
export * from './ops.js';
export * from './quantizer.js';
export * from './rounding-rule.js';
export * from './weight-format.js';
export * from './weight-layout.js';
export * from './generation.js';
