// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** Some rows of a tensor, from row `start` on. */
export interface Piece {
  readonly start: number;
  readonly rows: Tensor;
}

/** Rows [start, start + length) of the first axis. */
export function rowsOf<X extends Tensor>(x: X, start: number, length: number): X {
  if (start === 0 && length === x.shape[0]) return x;
  const rest = x.shape.slice(1);
  return tf.slice(x, [start, ...rest.map(() => 0)], [length, ...rest]) as X;
}

/**
 * Sums pieces into a tensor of that shape, zero where no piece is. Pieces that overlap (keys shared as a prefix) are
 * added in the order given, whatever lies beside them.
 */
export function addUp(pieces: readonly Piece[], shape: readonly number[]): Tensor {
  const layers = disjointLayers(pieces);
  if (layers.length === 0) return tf.zeros([...shape]);
  return layers.map((layer) => joined(layer, shape)).reduce((sum, layer) => tf.add(sum, layer));
}

const lengthOf = ({ rows }: Piece) => rows.shape[0]!;

/** Each piece goes into the first layer after all layers with a piece it overlaps: so overlaps keep their order. */
function disjointLayers(pieces: readonly Piece[]): Piece[][] {
  const layers: Piece[][] = [];
  for (const piece of pieces) {
    const overlaps = (other: Piece) =>
      piece.start < other.start + lengthOf(other) && other.start < piece.start + lengthOf(piece);
    const target = layers.findLastIndex((layer) => layer.some(overlaps)) + 1;
    (layers[target] ??= []).push(piece);
  }
  return layers;
}

function joined(layer: readonly Piece[], shape: readonly number[]): Tensor {
  const parts: Tensor[] = [];
  let end = 0;
  const fillTo = (start: number) => {
    if (start > end) parts.push(tf.zeros([start - end, ...shape.slice(1)]));
  };
  for (const piece of layer.toSorted((a, b) => a.start - b.start)) {
    fillTo(piece.start);
    parts.push(piece.rows);
    end = piece.start + lengthOf(piece);
  }
  fillTo(shape[0]!);
  return parts.length === 1 ? tf.clone(parts[0]!) : tf.concat(parts, 0);
}
