// SPDX-License-Identifier: Apache-2.0
export { AttachedHead, type Head } from './head.js';
