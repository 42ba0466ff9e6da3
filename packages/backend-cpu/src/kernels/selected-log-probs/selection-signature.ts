// SPDX-License-Identifier: Apache-2.0
import { flag, floats, integers, optional, scalar, size, weight } from '../signature.js';

/** What selected log-probs, their slope and their gradient share. */
export const selection = {
  tokens: size,
  columns: size,
  vocabulary: size,
  selected: size,
  /** 0: none. */
  softCap: scalar,
  temperature: scalar,
  rounds: flag,
  hidden: floats('tokens * columns'),
  head: weight('vocabulary * columns'),
  bias: optional(floats('vocabulary')),
  rows: integers('selected'),
  targets: integers('selected'),
};
