// SPDX-License-Identifier: Apache-2.0
export * from './backend.js';
export * from './command.js';
export * from './container.js';
export * from './engine.js';
export * from './kernel-profile.js';
export * from './plugin.js';
export * from './run.js';
export * from './section.js';
export * from './stage.js';
export * from './state.js';
export * from './token.js';
