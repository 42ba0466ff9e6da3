// SPDX-License-Identifier: Apache-2.0

/** Angles of the tower's rope, each [patches, headSize / 2]. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Two-dimensional rope: the first half of a head's angles turn with the patch's row, the second with its column, both
 * with frequencies 10000^(−2i / (headSize / 2)). Float32 step by step, as the reference computes it.
 * Qwen2-VL report (arXiv 2409.12191) section 2.1; Su et al. 2021 (arXiv 2104.09864).
 * @param places [patches, 2] row and column
 */
export function patchRope(places: Int32Array, headSize: number, theta = 10_000): RopeTables {
  const axisSize = headSize / 2;
  const frequencies = Float32Array.from({ length: axisSize / 2 }, (_, index) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * index) / axisSize))),
  );
  const cos = new Float32Array((places.length / 2) * axisSize);
  const sin = new Float32Array(cos.length);
  let to = 0;
  for (const place of places) {
    for (const frequency of frequencies) {
      const angle = Math.fround(place * frequency);
      cos[to] = Math.cos(angle);
      sin[to++] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
