// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { broadcast } from './broadcast.js';

it.each([
  ['equal shapes become one axis', [2, 3, 4], [2, 3, 4], [2, 3, 4], [24], [1], [1]],
  ['a row repeats', [2, 3, 4], [4], [2, 3, 4], [6, 4], [4, 1], [0, 1]],
  ['a column repeats', [6, 1], [6, 5], [6, 5], [6, 5], [1, 0], [5, 1]],
  ['both repeat', [7, 1, 3], [5, 1], [7, 5, 3], [7, 5, 3], [3, 0, 1], [0, 1, 0]],
  ['a scalar meets anything', [], [2, 2], [2, 2], [4], [0], [1]],
  ['two scalars', [], [1], [1], [1], [1], [1]],
])('%s', (_name, a, b, shape, sizes, aStrides, bStrides) => {
  const result = broadcast(a, b)!;
  expect(result.shape).toEqual(shape);
  expect([...result.sizes]).toEqual(sizes);
  expect([...result.aStrides]).toEqual(aStrides);
  expect([...result.bStrides]).toEqual(bStrides);
});

it('refuses shapes that do not go together', () => {
  expect(broadcast([2, 3], [2, 4])).toBeNull();
});
