// SPDX-License-Identifier: Apache-2.0
import type { World } from '../contracts/run.js';

/** One process: every sum over ranks is the value itself. */
export const singleWorld: World = Object.freeze({
  rank: 0,
  size: 1,
  allReduceSum: (values: readonly number[]) => Promise.resolve([...values]),
});
