// SPDX-License-Identifier: Apache-2.0
/**
 * The one tfjs that everybody uses: tfjs-core with its plain JS backend `cpu` and gradients for its standard ops
 * (`gradients/`; tfjs-core's Node build registers none). Import `tf` from `@llmf/nn`, never from tfjs itself.
 */
import * as tfjs from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { registerStandardGradients } from './gradients/register.js';
import { claimSingleCopy } from './single-copy.js';

export * as tf from '@tensorflow/tfjs-core';

claimSingleCopy('0.1.0', import.meta.url);
registerStandardGradients();
muteGreeting();

/** The JS backend greets on its first use with the advice to install another one. */
function muteGreeting(): void {
  (tfjs.findBackend('cpu') as unknown as { firstUse: boolean }).firstUse = false;
}
