// SPDX-License-Identifier: Apache-2.0
export { wandbOptions, type WandbOptions } from './options.js';
export { trackerWandb, trackerWandb as default } from './tracker.js';
