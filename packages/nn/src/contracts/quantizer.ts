// SPDX-License-Identifier: Apache-2.0
import type { Rounded, RoundingRule } from './rounding-rule.js';
import type { PackedWeight } from './weight-format.js';

/** Each to the bit what the definition in JS gives. */
export interface Quantizer {
  /** A weight of plain elements by a format's rule; null where it holds what is no finite number. */
  round(rule: RoundingRule, source: PackedWeight): Rounded | null;
  /** As packDynamic of weights/dynamic-blocks.ts. */
  packDynamic(values: Float32Array, into: DynamicBlocks, offset: number): void;
  /** As expandDynamic of weights/dynamic-blocks.ts. */
  expandDynamic(blocks: DynamicBlocks, into: Float32Array): void;
}

/** Numbers as 8-bit codes in blocks that share a scale: value ≈ book[code] · scale. */
export interface DynamicBlocks {
  readonly kind: DynamicCodes;
  readonly blockSize: number;
  /** One for each number. */
  readonly codes: Uint8Array;
  /** One for each block, the last of which may be shorter. */
  readonly scales: Float32Array;
}

/**
 * "Dynamic" 8-bit values (Dettmers et al., "8-bit optimizers via block-wise quantization", 2022, section 1.3), ascending:
 * a sign where there is one, an exponent of ten by its leading zeros, the rest linear between 0.1 and 1. To the bit those of
 * bitsandbytes' `create_dynamic_map`, whose float32 steps are torch.linspace's: one rounding for a step's product and sum.
 */
export interface DynamicCodes {
  /** 256 values, ascending, from −1 or 0 to 1. */
  readonly book: Float32Array;
  /** The code of the nearest value; the lower one of two that are as near. */
  codeOf(value: number): number;
  /** Where the search begins: for the upper 16 bits of a float32 the greatest code whose value is not above it, whatever the lower bits. */
  readonly first: Uint8Array;
}
