// SPDX-License-Identifier: Apache-2.0
import '@tensorflow/tfjs-backend-wasm';
import { describeOps } from '@llmf/testkit';
import { tf } from '../tf.js';

describeOps('the plain JS backend', { start: async () => void (await tf.setBackend('cpu')), finiteDifferences: true });
describeOps('wasm', { start: async () => void (await tf.setBackend('wasm')) });
