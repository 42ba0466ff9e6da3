// SPDX-License-Identifier: Apache-2.0
export * from './model.js';
export * from './ops.js';
export * from './training.js';
export * from './reference.js';
