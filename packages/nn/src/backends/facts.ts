// SPDX-License-Identifier: Apache-2.0
import type { DataId } from '@tensorflow/tfjs-core';
import type { Quantizer } from '../contracts/quantizer.js';
import type { PackedWeight } from '../contracts/weight-format.js';
import { tf } from '../tfjs.js';

/** What nn asks of a backend of tfjs beside its kernels. */
export interface BackendFacts {
  /**
   * `host`: values lie in this process, so that an op may read one where a plain loop is faster. `device`: values are read
   * by `data()` alone, and no op asks for one. Left out: `host` where tensors are JS arrays (tfjs's `cpu` and what extends
   * it), else `device`.
   */
  readonly memory?: 'host' | 'device';
  /** `plain`: its kernel for products is fast for two matrices as they lie only, neither transposed nor in a batch. Left out: for all. */
  readonly fastProducts?: 'plain';
  /** Weight formats that its kernels read as they are kept. */
  readonly formats?: ReadonlySet<string>;
  /**
   * Puts a frozen weight of one of `formats` where its kernels read it, once, when the weight is made; they get its data as
   * they get any tensor's. Left out: they read the weight's parts (`packedOf`).
   */
  upload?(weight: PackedWeight): DataId;
  /** Rounds to fewer bits by kernels. Left out: nn and the formats do it in JS. */
  readonly quantizer?: Quantizer;
}

const declared = new Map<string, BackendFacts>();

/** Called by a provider's `start`, with the name under which tfjs knows the backend. */
export const declareBackend = (tfName: string, facts: BackendFacts): void => void declared.set(tfName, facts);

/** Those of the current backend. */
export const backendFacts = (): BackendFacts => declared.get(tf.getBackend()) ?? {};
