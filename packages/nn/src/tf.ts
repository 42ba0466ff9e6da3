// SPDX-License-Identifier: Apache-2.0
/**
 * The one tfjs that everybody uses: tfjs-core with its plain JS backend `cpu` and gradients for its standard ops
 * (`gradients/`; tfjs-core's Node build registers none). Import `tf` from `@llmf/nn`, never from tfjs itself.
 */
import { createRequire } from 'node:module';
import { registerStandardGradients } from './gradients/register.js';
import { claimSingleCopy } from './single-copy.js';
import { MathBackendCPU, tf } from './tfjs.js';

export { tf };

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
claimSingleCopy(version, import.meta.url);
registerStandardGradients();
muteGreeting();

/** The JS backend greets on its first use with the advice to install another one: made here, it has been used before. */
function muteGreeting(): void {
  if ('cpu' in tf.engine().registry) return;
  tf.removeBackend('cpu');
  tf.registerBackend('cpu', () => Object.assign(new MathBackendCPU(), { firstUse: false }));
}
