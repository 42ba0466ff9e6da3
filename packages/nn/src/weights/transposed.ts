// SPDX-License-Identifier: Apache-2.0

/** A copy of a matrix [rows, columns] as [columns, rows], row-major; in squares that stay in the cache. */
export function transposed<A extends Float32Array | Uint16Array>(values: A, rows: number, columns: number): A {
  const result = values.slice() as A;
  const side = 32;
  for (let top = 0; top < rows; top += side) {
    for (let left = 0; left < columns; left += side) {
      for (let row = top; row < Math.min(rows, top + side); row++) {
        for (let column = left; column < Math.min(columns, left + side); column++) {
          result[column * rows + row] = values[row * columns + column]!;
        }
      }
    }
  }
  return result;
}
