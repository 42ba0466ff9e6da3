// SPDX-License-Identifier: Apache-2.0
import type { Trial } from '../trial.js';

/** A trial of which only what matters is said. */
export const trialOf = (facts: Partial<Trial> & Pick<Trial, 'number'>): Trial => ({
  state: 'complete',
  params: {},
  distributions: {},
  value: null,
  intermediate: new Map(),
  rungs: [],
  attributes: {},
  started: null,
  ended: null,
  ...facts,
});
