// SPDX-License-Identifier: Apache-2.0
import type { BackendProvider } from '@llmf/core';
import { tf } from '../tf.js';
import { declareBackend } from './facts.js';

/**
 * tfjs's plain JavaScript backend, which `tf` always brings: runs everywhere, slowly. It is what other backends are
 * tested against.
 */
export const jsBackend: BackendProvider = {
  name: 'js',
  description: 'plain JavaScript: runs everywhere, slowly',
  priority: 10,
  unavailable: async () => null,
  start: async () => {
    declareBackend('cpu', { memory: 'host' });
    await tf.setBackend('cpu');
    return {
      tfName: 'cpu',
      precisions: ['f32'],
      formats: ['f32'],
      numerics: `tfjs-js-${tf.version_core}`,
      description: `plain JavaScript (tfjs ${tf.version_core})`,
    };
  },
};
