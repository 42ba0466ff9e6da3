// SPDX-License-Identifier: Apache-2.0

/**
 * The rule by which a format rounds, for backends that have a kernel of it.
 *
 * `nearest`: in row-major blocks, times one over the block's largest magnitude (a shorter last block is divided by it, at
 * least 1e-38): of the ascending `bounds` so many are below, and `order` has the code for that number; of two codes in a
 * byte the first is in the upper half.
 * `rows`: times 127 over the row's largest magnitude, the nearest integer, the even one of two, as a signed byte.
 */
export type RoundingRule =
  | {
      readonly kind: 'nearest';
      /** Fifteen. */
      readonly bounds: Float32Array;
      /** Sixteen codes. */
      readonly order: Uint8Array;
      readonly blockSize: number;
    }
  | { readonly kind: 'rows' };

/** What a rule gives: codes, and the largest magnitude of each block or row. */
export interface Rounded {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
}
