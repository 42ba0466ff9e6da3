// SPDX-License-Identifier: Apache-2.0
/** A run of consecutive tokens of the packed row. Its tokens see themselves, and all of `prefix` if set. */
export interface Segment {
  readonly start: number;
  readonly length: number;
  /** Index of the segment whose tokens every token here also sees (a pair's prompt). */
  readonly prefix?: number;
  /** Do its tokens see those before them only? Left out: as the model has it (a decoder's do, an encoder's see all). */
  readonly causal?: boolean;
  /** Its earlier tokens are in the cache: no sequence begins here. */
  readonly continues?: boolean;
  /**
   * Index of the segment that its tokens also see by cross attention, as the encoder gives it. An encoder–decoder runs
   * segments that are a source through its encoder, all others through its decoder.
   */
  readonly source?: number;
}

/** Positions of the packed row: one running index per token, or the three of multimodal rope. */
export type Positions = Int32Array | readonly [Int32Array, Int32Array, Int32Array];
