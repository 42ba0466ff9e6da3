// SPDX-License-Identifier: Apache-2.0
export * from './data.js';
export * from './loss.js';
export * from './hooks.js';
export * from './optimizer.js';
export * from './reference.js';
