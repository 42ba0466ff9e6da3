// SPDX-License-Identifier: Apache-2.0
import type { Optimizer } from '../contracts/optimizer.js';
import { adafactor } from './adafactor.js';
import { adamw } from './adamw.js';
import { lion } from './lion.js';
import { sgd } from './sgd.js';

/** Every built-in choice of `train.optimizer`. */
export const optimizers: readonly Optimizer[] = [adamw, sgd, lion, adafactor];
