// SPDX-License-Identifier: Apache-2.0
import { axolotl } from './axolotl.js';
import { llamafactory } from './llamafactory.js';
import { medicalgpt } from './medicalgpt.js';
import { trl } from './trl.js';
import { trlx } from './trlx.js';
import type { Tool } from './translation.js';

/** Tools whose configs and command lines are read. */
export const tools: readonly Tool[] = [llamafactory, trl, medicalgpt, trlx, axolotl];
