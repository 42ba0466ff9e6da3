// SPDX-License-Identifier: Apache-2.0
/** Rows of hidden states, each read by the head that its adapter has. */
import type { ActiveAdapter, Model } from '../contracts/model.js';
import { headInputs } from '../modules/read-head.js';
import { headOf } from '../modules/replaced-modules.js';
import { selectedLogProbs } from '../ops/selected-log-probs/selected-log-probs.js';
import { tf } from '../tf.js';
import { logitsOf, plainPass } from './logits.js';

type Adapters = readonly (ActiveAdapter | null)[];

/** Logits [rows, V] of rows of the hidden states [T, C], one adapter each. */
export function rowLogits(model: Model, hidden: tf.Tensor2D, rows: readonly number[], adapters: Adapters): tf.Tensor2D {
  return byHead(adapters, (places, adapter) => {
    const own = places.map((place) => rows[place]!);
    return logitsOf(model, hidden, own, { ...plainPass, adapter });
  });
}

/** Log-probs [rows] of one id for each of them. */
export function rowLogProbs(
  model: Model,
  hidden: tf.Tensor2D,
  rows: readonly number[],
  adapters: Adapters,
  ids: Int32Array,
): tf.Tensor1D {
  return byHead(adapters, (places, adapter) => {
    const read = headInputs(headOf(model, adapter), hidden, { ...plainPass, adapter });
    const [own, targets] = [rows, ids].map((of) => Int32Array.from(places, (place) => of[place]!));
    return selectedLogProbs(read.hidden, read.weight, own!, targets!, read).logProb;
  });
}

/** Places of one head go through `read` together; what it gives is put in their order again. */
function byHead<X extends tf.Tensor>(
  adapters: Adapters,
  read: (places: number[], adapter: ActiveAdapter | null) => X,
): X {
  const shares = new Map<Model | undefined, number[]>();
  for (const [place, adapter] of adapters.entries()) {
    const key = adapter?.replaced?.model;
    shares.set(key, [...(shares.get(key) ?? []), place]);
  }
  const groups = [...shares.values()];
  const parts = groups.map((places) => read(places, adapters[places[0]!]!));
  if (parts.length === 1) return parts[0]!;
  const order = new Int32Array(adapters.length);
  for (const [at, place] of groups.flat().entries()) order[place] = at;
  return tf.gather(tf.concat(parts as tf.Tensor[], 0), tf.tensor1d(order, 'int32')) as X;
}
