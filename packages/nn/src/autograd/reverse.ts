// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { errors } from '../errors.js';
import { accumulate } from '../ops/accumulate/accumulate.js';
import { tf } from '../tf.js';
import { disposeSaved, tensorsOf, type Tape } from './tape.js';
import type { TapeNode } from './tape-node.js';

/**
 * The reverse pass: walks the tape back from `output`, whose gradient is `seed` (owned by the walk from here on).
 * Every node's saved tensors and every gradient that has been consumed are freed at once. `complete(leaf, gradient)`
 * is called for each leaf as soon as no earlier node can add to it, in tape order; the gradient is the callee's.
 */
export function reverse(
  tape: Tape,
  output: Tensor,
  seed: Tensor,
  complete: (leaf: Tensor, gradient: Tensor) => void,
): void {
  const gradients = new Map<number, Tensor>([[output.id, tf.keep(seed)]]);
  const completedAt = leavesByFirstUse(tape);
  const finish = (leaf: Tensor) => {
    const gradient = gradients.get(leaf.id);
    gradients.delete(leaf.id);
    if (gradient !== undefined) complete(leaf, gradient);
  };
  try {
    for (let node = tape.nodes.pop(); node !== undefined; node = tape.nodes.pop()) {
      goThrough(node, tape, gradients);
      for (const leaf of completedAt.get(node) ?? []) finish(leaf);
    }
    for (const leaf of tape.allLeaves) finish(leaf); // the output itself is a leaf
  } finally {
    tape.dispose();
    for (const gradient of gradients.values()) gradient.dispose();
  }
}

/** The node after which, walking back, a leaf's gradient is complete: the first that uses it. */
function leavesByFirstUse(tape: Tape): Map<TapeNode, Tensor[]> {
  const order = new Map<TapeNode, Tensor[]>();
  const seen = new Set<number>();
  for (const node of tape.nodes) {
    for (const tensor of tensorsOf(node)) {
      const leaf = tape.used.get(tensor.id);
      if (leaf === undefined || seen.has(leaf.id)) continue;
      seen.add(leaf.id);
      order.set(node, [...(order.get(node) ?? []), leaf]);
    }
  }
  return order;
}

/** Turns the gradients of a node's outputs into gradients of its inputs, and frees what it held. */
function goThrough(node: TapeNode, tape: Tape, gradients: Map<number, Tensor>): void {
  const dys = node.outputs.map(({ id }) => gradients.get(id) ?? null);
  try {
    if (dys.some((dy) => dy !== null)) {
      for (const [input, dx] of inputGradients(node, dys, tape, gradients)) add(gradients, input, dx);
    }
  } finally {
    disposeSaved(node);
    for (const { id } of node.outputs) {
      gradients.get(id)?.dispose();
      gradients.delete(id);
    }
  }
}

function inputGradients(
  node: TapeNode,
  dys: (Tensor | null)[],
  tape: Tape,
  gradients: ReadonlyMap<number, Tensor>,
): [Tensor, Tensor][] {
  const wanted = Object.entries(node.inputs).filter(([, tensor]) => tensor != null && tape.needs(tensor));
  const sums = Object.fromEntries(
    wanted.flatMap(([name, { id }]) => {
      const sum = gradients.get(id);
      return sum === undefined ? [] : [[name, sum]];
    }),
  );
  const results = tf.tidy(() => {
    if (node.gradient === undefined || node.gradient === null) {
      throw errors.noGradient({ kernel: node.kernelName, input: wanted[0]?.[0] ?? '' });
    }
    const answers = node.gradient(dys, new Set(wanted.map(([name]) => name)), sums);
    return wanted.map(([name, input]) => checked(node, name, input, answers[name]?.()));
  });
  // An identity may answer with dy itself, or with one tensor for two inputs: each place owns its own.
  const taken = new Set<Tensor | null>(dys);
  return wanted.map(([name, input], index) => {
    const result = results[index]!;
    if (result === sums[name]) return [input, result];
    const dx = taken.has(result) ? tf.clone(result) : result;
    taken.add(dx);
    return [input, tf.keep(dx)];
  });
}

function checked(node: TapeNode, name: string, input: Tensor, dx: Tensor | undefined): Tensor {
  if (dx === undefined) throw errors.noGradient({ kernel: node.kernelName, input: name });
  if (dx.dtype === 'float32' && tf.util.arraysEqual(dx.shape, input.shape)) return dx;
  const look = ({ dtype, shape }: Tensor) => `${dtype} [${shape.join(', ')}]`;
  const expected = `float32 [${input.shape.join(', ')}]`;
  throw errors.gradientShape({ kernel: node.kernelName, input: name, got: look(dx), expected });
}

function add(gradients: Map<number, Tensor>, input: Tensor, dx: Tensor): void {
  const before = gradients.get(input.id);
  if (before === undefined) {
    gradients.set(input.id, dx);
    return;
  }
  if (before === dx) return; // added in place
  gradients.set(input.id, tf.keep(accumulate(before, dx)));
}
