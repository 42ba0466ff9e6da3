// SPDX-License-Identifier: Apache-2.0
// tsyringe, inside the container, refuses to load before this polyfill.
import 'reflect-metadata';

export * from './contracts/index.js';
export * from './errors.js';
export * from './core-errors.js';
export * from './config/run-config.js';
export { createContainer } from './container/container.js';
export { coreKeys, createEngine, EngineImplementation } from './engine/engine.js';
export { registerCopy } from './engine/copies.js';
export { guardHooks } from './engine/guard-hooks.js';
export { sectionOf } from './engine/plugin-shape.js';
export * from './files/safetensors.js';
export * from './random/counter.js';
export * from './text/nearest.js';
export * from './text/format.js';
