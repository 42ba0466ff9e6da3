// SPDX-License-Identifier: Apache-2.0
/** A run of consecutive tokens of the packed row. Its tokens see themselves causally, and all of `prefix` if set. */
export interface Segment {
  readonly start: number;
  readonly length: number;
  /** Index of the segment whose tokens every token here also sees (a pair's prompt). */
  readonly prefix?: number;
}

/** Positions of the packed row: one running index per token, or the three of multimodal rope. */
export type Positions = Int32Array | readonly [Int32Array, Int32Array, Int32Array];
