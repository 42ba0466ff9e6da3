// SPDX-License-Identifier: Apache-2.0
export { trackerMlflow, trackerMlflow as default, mlflowOptions } from './tracker.js';
export type { MlflowOptions } from './tracker.js';
