// SPDX-License-Identifier: Apache-2.0
export { AttachedHead } from './head.js';
export type { Head, SavedHeads } from '../contracts/head.js';
