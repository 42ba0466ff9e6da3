// SPDX-License-Identifier: Apache-2.0
import { normals } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import { combined, dot, orthonormal, symmetricEigen } from './orthonormal.js';

const drawn = (count: number, length: number) => {
  const values = normals({ seed: 2, stream: 'columns', step: 0, microbatch: 0 }, 'x', count * length);
  return Array.from({ length: count }, (_, i) => Float64Array.from(values.subarray(i * length, (i + 1) * length)));
};

describe('orthonormal columns', () => {
  it('are of length one and at right angles, and span what was given', () => {
    const given = drawn(5, 9);
    const basis = orthonormal(given);
    for (const [i, a] of basis.entries())
      for (const [j, b] of basis.entries()) expect(Math.abs(dot(a, b) - (i === j ? 1 : 0))).toBeLessThan(1e-14);
    for (const column of given) {
      const again = combined(
        basis,
        basis.map((each) => dot(each, column)),
      );
      for (const [at, value] of column.entries()) expect(Math.abs(again[at]! - value)).toBeLessThan(1e-13);
    }
  });

  it('are zero where a column adds nothing', () => {
    const [first, second] = drawn(2, 4);
    const basis = orthonormal([first!, first!.map((value) => -3 * value), second!]);
    expect([...basis[1]!]).toEqual([0, 0, 0, 0]);
    expect(dot(basis[2]!, basis[2]!)).toBeCloseTo(1, 12);
  });
});

describe('eigenvalues of a symmetric matrix', () => {
  it('come with their vectors, the largest first: A v = λ v', () => {
    const given = drawn(6, 6);
    const matrix = given.map((a) => Float64Array.from(given, (b) => dot(a, b)));
    const { values, vectors } = symmetricEigen(matrix);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    for (const [i, vector] of vectors.entries()) {
      const image = combined(matrix, vector);
      for (const [at, value] of image.entries()) expect(Math.abs(value - values[i]! * vector[at]!)).toBeLessThan(1e-11);
    }
  });

  it('are 3 and 1 for [[2, 1], [1, 2]]', () => {
    const { values } = symmetricEigen([Float64Array.of(2, 1), Float64Array.of(1, 2)]);
    expect(values[0]).toBeCloseTo(3, 14);
    expect(values[1]).toBeCloseTo(1, 14);
  });
});
