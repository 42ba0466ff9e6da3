// SPDX-License-Identifier: Apache-2.0
export { AttachedHead, type Head, type SavedHeads } from './head.js';
