// SPDX-License-Identifier: Apache-2.0
export { trackerTensorboard, trackerTensorboard as default, tensorboardOptions } from './tracker.js';
export type { TensorboardOptions } from './tracker.js';
