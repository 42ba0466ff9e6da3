// SPDX-License-Identifier: Apache-2.0
import type { Precision } from '@llmf/core';
import { declareBackend, tf, type Quantizer } from '@llmf/nn';
import { availableParallelism } from 'node:os';
import { loadAddon } from '../addon/load.js';
import { expandDynamic, nativeKernels, packDynamic, roundWeight } from '../kernels/index.js';
import { NativeBackend } from './native-backend.js';
import { nativeFormats } from './weight-forms.js';

/** Without underscores: tfjs cuts its registry keys at them. */
export const tfBackendName = 'llmfcpu';

/**
 * A call over less memory runs on the caller alone: it all lies in that core's second-level cache, and fetching half of
 * it from there costs another core what it would gain (measured on steps of a model of 125,504 weights: all calls shared,
 * or none, took the same time, and the other core is then free for V8's own threads).
 */
const sharedFromBytes = 1 << 20;

const current = () => tf.backend() as NativeBackend;

const quantizer: Quantizer = {
  round: (rule, source) => roundWeight(current(), rule, source),
  packDynamic: (values, into, offset) => packDynamic(current(), values, into, offset),
  expandDynamic: (blocks, into) => expandDynamic(current(), blocks, into),
};

export interface NativeOptions {
  /** Threads of every kernel; null: as many as the process may use. */
  readonly threads: number | null;
  /** Bytes of a call's arrays from which on threads share it; 1 MiB when left out. */
  readonly sharedFrom?: number;
  /** bf16: the factors of the products of linear layers and of the head are rounded to bf16. f32 when left out. */
  readonly precision?: Precision;
}

/**
 * Registers the backend once per thread of JS and makes it the current one.
 *
 * @returns the backend in use
 * @throws LLMF_BACKEND_CPU_NO_COMPILER, LLMF_BACKEND_CPU_COMPILE, LLMF_BACKEND_CPU_PATH
 */
export async function startNativeBackend({
  threads,
  sharedFrom = sharedFromBytes,
  precision = 'f32',
}: NativeOptions): Promise<NativeBackend> {
  const addon = await loadAddon();
  addon.setThreads(threads ?? availableParallelism(), sharedFrom);
  if (tf.findBackendFactory(tfBackendName) === null) {
    tf.copyRegisteredKernels('cpu', tfBackendName);
    for (const kernel of nativeKernels) kernel.register(tfBackendName);
    declareBackend(tfBackendName, { memory: 'host', formats: nativeFormats, quantizer });
    tf.registerBackend(tfBackendName, () => new NativeBackend(addon), 1);
  }
  await tf.setBackend(tfBackendName);
  const backend = tf.backend() as NativeBackend;
  backend.roundsProducts = precision === 'bf16';
  return backend;
}
