// SPDX-License-Identifier: Apache-2.0
import type { Plugin } from './engine.js';

/** Changes only when a contract in this folder breaks. */
export const apiVersion = 2;

export type PluginFactory = (options?: never) => Plugin;
