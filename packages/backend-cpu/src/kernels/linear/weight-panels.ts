// SPDX-License-Identifier: Apache-2.0
import type { NativeCalls } from '../signatures.js';

/** x Wᵀ reads a weight by its rows, dy W by its columns. */
export type PanelSide = 'rows' | 'columns';

export interface Panels {
  readonly values: Uint16Array;
  readonly isFresh: boolean;
}

/**
 * Frozen bf16 weights in the layout of the product kernels, packed at their first use and once per side. They cost the
 * weight's size again per side, and save packing it in every product: a tenth of a product's time over a few hundred
 * rows where vectors multiply, more where tiles do.
 */
export class WeightPanels {
  private readonly made = new WeakMap<Uint16Array, Partial<Record<PanelSide, Uint16Array>>>();

  constructor(private readonly kernels: NativeCalls) {}

  /** @returns null where this path has no panels; `isFresh`: packed just now, the weight itself was read for it */
  of(words: Uint16Array, outputs: number, inputs: number, side: PanelSide): Panels | null {
    const sides = this.made.get(words) ?? {};
    this.made.set(words, sides);
    const isFresh = sides[side] === undefined;
    const values = (sides[side] ??= this.pack(words, outputs, inputs, side === 'columns'));
    return values.length === 0 ? null : { values, isFresh };
  }

  private pack(weight: Uint16Array, outputs: number, inputs: number, transposed: boolean): Uint16Array {
    const words = new Int32Array(1);
    this.kernels.weightPanelsSize({ outputs, inputs, transposed, words });
    const panels = new Uint16Array(words[0]!);
    if (panels.length > 0) this.kernels.weightPanels({ outputs, inputs, transposed, weight, panels });
    return panels;
  }
}
