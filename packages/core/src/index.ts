// SPDX-License-Identifier: Apache-2.0
// tsyringe, inside the container, refuses to load before this polyfill.
import 'reflect-metadata';

export * from './contracts/index.js';
export * from './errors.js';
export * from './config/run-config.js';
export * from './files/safetensors.js';
export * from './random/counter.js';
export * from './text/nearest.js';
export * from './text/format.js';
