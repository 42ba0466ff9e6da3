// SPDX-License-Identifier: Apache-2.0
import type { BackendProvider, StartedBackend } from '@llmf/core';
import { declareBackend, tf } from '@llmf/nn';
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { errors } from './errors.js';
import { withoutNewProcessListeners } from './process-listeners.js';

/** tfjs's WebAssembly backend, on one thread: the same bits on every machine with the same vector instructions. */
export const wasmBackend: BackendProvider = {
  name: 'wasm',
  description: 'WebAssembly: runs everywhere, about five times as fast as plain JavaScript',
  priority: 20,
  unavailable: async () => ('WebAssembly' in globalThis ? null : 'this Node.js runs without WebAssembly'),
  start,
};

async function start(): Promise<StartedBackend> {
  const folder = binariesFolder();
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(folder + sep);
  declareBackend('wasm', { memory: 'host', fastProducts: 'plain' });
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const reason = await withoutNewProcessListeners(becomeCurrent);
  if (reason !== null) throw errors.startFailed({ folder, reason });
  const path = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? 'simd' : 'scalar';
  return {
    tfName: 'wasm',
    precisions: ['f32'],
    numerics: `tfjs-wasm-${wasm.version_wasm}-${path}`,
    description: `WebAssembly, ${path === 'simd' ? '128-bit vectors' : 'no vectors'}, 1 thread (tfjs ${wasm.version_wasm})`,
  };
}

/** null, or why not. tfjs itself only warns and goes on with another backend. */
async function becomeCurrent(): Promise<string | null> {
  try {
    return (await tf.setBackend('wasm')) && tf.getBackend() === 'wasm' ? null : 'tfjs could not load the binary';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The .wasm files lie beside the entry of tfjs's package. */
function binariesFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
}
