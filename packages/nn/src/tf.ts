// SPDX-License-Identifier: Apache-2.0
/**
 * The one tfjs that everybody uses: tfjs-core with its plain JS backend `cpu` and gradients for its standard ops
 * (`gradients/`; tfjs-core's Node build registers none). Import `tf` from `@llmf/nn`, never from tfjs itself.
 */
import { createRequire } from 'node:module';
import * as tfjs from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { registerStandardGradients } from './gradients/register.js';
import { claimSingleCopy } from './single-copy.js';

export * as tf from '@tensorflow/tfjs-core';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
claimSingleCopy(version, import.meta.url);
registerStandardGradients();
muteGreeting();

/** The JS backend greets on its first use with the advice to install another one: made here, it has been used before. */
function muteGreeting(): void {
  if ('cpu' in tfjs.engine().registry) return;
  tfjs.removeBackend('cpu');
  tfjs.registerBackend('cpu', () => Object.assign(new MathBackendCPU(), { firstUse: false }));
}
