// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import { leaner } from './leaner.js';
import type { Recipe } from './recipe.js';
import type { TapeNode } from './tape-node.js';

/**
 * Records one forward pass over tfjs's tape and keeps only what leads from the leaves (variables) to anything: an
 * operation on frozen tensors leaves nothing behind, and ops can ask beforehand which of their inputs need a gradient.
 * In mode `observe` nothing is kept but which leaves were used (the first pass of a checkpointed block).
 */
export class Tape {
  readonly nodes: TapeNode[] = [];
  /** Leaves that took part, in order of their first use. */
  readonly used = new Map<number, Tensor>();
  /** By the tensor's id: what need not be kept. */
  readonly recipes = new Map<number, Recipe>();
  private readonly leaves = new Map<number, Tensor>();
  private readonly needed = new Set<number>();
  /** What tfjs has recorded since the last look. */
  private readonly pending: TapeNode[] = [];

  constructor(
    leaves: Iterable<Tensor>,
    readonly mode: 'record' | 'observe' = 'record',
  ) {
    for (const leaf of leaves) {
      this.leaves.set(leaf.id, leaf);
      this.needed.add(leaf.id);
    }
  }

  /** Runs `forward` with this tape recording, whatever was recording before. */
  run<T>(forward: () => T): T {
    const { state } = tf.engine();
    const { activeTape, gradientDepth, kernelDepth } = state;
    const outer = activeTapes.at(-1) ?? null;
    outer?.advance();
    activeTapes.push(this);
    Object.assign(state, { activeTape: this.pending, gradientDepth: 1, kernelDepth: 0 });
    try {
      const result = forward();
      this.advance();
      return result;
    } catch (error) {
      this.advance();
      this.dispose();
      throw error;
    } finally {
      activeTapes.pop();
      Object.assign(state, { activeTape, gradientDepth, kernelDepth });
    }
  }

  /** Does a gradient with respect to some leaf flow through this tensor? */
  needs(tensor: Tensor): boolean {
    this.advance();
    return this.needed.has(tensor.id);
  }

  /** Adds an operation of our own. */
  record(node: TapeNode): void {
    this.advance();
    this.add(node);
  }

  /** All leaves, in the order given; a checkpointed block hands them to its own tapes. */
  get allLeaves(): Iterable<Tensor> {
    return this.leaves.values();
  }

  /** Frees what the nodes hold; for a pass that ends without going back. */
  dispose(): void {
    for (const node of this.nodes) disposeSaved(node);
    this.nodes.length = 0;
    this.recipes.clear();
  }

  private advance(): void {
    if (this.pending.length === 0) return;
    // tfjs records the copies it saves as operations of their own; nothing comes of them.
    const copies = new Set(this.pending.flatMap(({ saved }) => saved?.map(({ id }) => id) ?? []));
    for (const node of this.pending) {
      if (!node.outputs.some(({ id }) => copies.has(id))) this.add(leaner(node));
    }
    this.pending.length = 0;
  }

  private add(node: TapeNode): void {
    const inputs = tensorsOf(node).filter(({ id }) => this.needed.has(id));
    for (const { id } of inputs) {
      const leaf = this.leaves.get(id);
      if (leaf !== undefined) this.used.set(id, leaf);
    }
    // Whole numbers and booleans (indices, comparisons) end the way of a gradient.
    const outputs = inputs.length > 0 ? node.outputs.filter(({ dtype }) => dtype === 'float32') : [];
    for (const { id } of outputs) this.needed.add(id);
    if (outputs.length > 0 && this.mode === 'record') this.nodes.push(node);
    else disposeSaved(node);
  }
}

const activeTapes: Tape[] = [];

/** The tape of the innermost pass, or null: nothing records, or tfjs's own `tf.grads` does. */
export function currentTape(): Tape | null {
  return tf.engine().isTapeOn() ? (activeTapes.at(-1) ?? null) : null;
}

/** Input tensors of a node; tfjs leaves absent optional inputs undefined. */
export function tensorsOf(node: TapeNode): Tensor[] {
  return Object.values(node.inputs).filter((tensor) => tensor !== undefined && tensor !== null);
}

export function disposeSaved(node: TapeNode): void {
  for (const tensor of node.saved ?? []) tensor.dispose();
  for (const recipe of node.recomputed ?? []) recipe.dispose();
}
