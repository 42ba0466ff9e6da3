// SPDX-License-Identifier: Apache-2.0
import type { World } from '../contracts/run.js';

/** One process. */
export const singleWorld: World = Object.freeze({ rank: 0, size: 1 });
