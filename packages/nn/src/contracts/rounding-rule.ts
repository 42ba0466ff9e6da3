// SPDX-License-Identifier: Apache-2.0
/**
 * The rule by which a format rounds, for backends that have a kernel of it.
 *
 * `nearest`: in row-major blocks, times one over the block's largest magnitude (a shorter last block is divided by it, at
 * least 1e-38), the nearest of sixteen values, the lower of two that are as near; of two codes in a byte the first is in
 * the upper half. Parts `codes`, `book`, `blockSize`, and `scales`, in 8 bits themselves where `isNested`.
 * `rows`: times 127 over the row's largest magnitude, the nearest integer, the even one of two. Parts `codes`, `scales`.
 */
export type RoundingRule =
  | { readonly kind: 'nearest'; readonly book: Float32Array; readonly blockSize: number; readonly isNested: boolean }
  | { readonly kind: 'rows' };
