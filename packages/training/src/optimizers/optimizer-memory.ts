// SPDX-License-Identifier: Apache-2.0
import type { StateToWrite, StateValue } from '@llmf/core';
import { tf, type Variable } from '@llmf/nn';
import { hostTensors, loadVariables, tensorsToWrite } from '../policy/variable-state.js';

/** Shapes of what an optimizer remembers of a variable, by name: AdamW's `m` and `v`. */
export type MemoryShapes = (shape: readonly number[]) => Readonly<Record<string, readonly number[]>>;

/** What an optimizer remembers of each variable, and how many updates it has done; the same bits after a resume. */
export class OptimizerMemory {
  /** t of the formulas: 1 in the first update. */
  updates = 0;
  private readonly parts = new Map<string, Variable>();
  private readonly ofVariable = new Map<string, Readonly<Record<string, Variable>>>();

  constructor(variables: ReadonlyMap<string, Variable>, shapes: MemoryShapes) {
    for (const [name, { shape }] of variables) {
      const own: Record<string, Variable> = {};
      for (const [part, partShape] of Object.entries(shapes(shape))) {
        const zeros = tf.zeros([...partShape]);
        own[part] = tf.variable(zeros, false);
        this.parts.set(`${name}/${part}`, own[part]);
        zeros.dispose();
      }
      this.ofVariable.set(name, own);
    }
  }

  of(name: string, part: string): Variable {
    return this.ofVariable.get(name)![part]!;
  }

  async save(): Promise<StateValue> {
    return { json: { updates: this.updates }, tensors: await hostTensors(this.parts) };
  }

  stream(): StateToWrite {
    return { json: { updates: this.updates }, tensors: tensorsToWrite(this.parts) };
  }

  load({ json, tensors }: StateValue): void {
    this.updates = (json as { updates: number }).updates;
    loadVariables(this.parts, tensors ?? {});
  }

  dispose(): void {
    for (const part of this.parts.values()) part.dispose();
    this.parts.clear();
    this.ofVariable.clear();
  }
}
