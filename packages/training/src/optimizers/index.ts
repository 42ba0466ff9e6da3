// SPDX-License-Identifier: Apache-2.0
import type { Optimizer } from '../contracts/optimizer.js';
import { adafactor } from './adafactor.js';
import { adamw } from './adamw.js';
import { adamw8bit } from './adamw8bit.js';
import { lion } from './lion.js';
import { lion8bit } from './lion8bit.js';
import { sgd } from './sgd.js';

/** Every built-in choice of `train.optimizer`. */
export const optimizers: readonly Optimizer[] = [adamw, adamw8bit, sgd, lion, lion8bit, adafactor];
