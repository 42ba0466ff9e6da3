// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { modelOptions } from '../model-options.js';
import { bytesOfSize } from './shard-size.js';

it.each([
  ['5GB', 5e9],
  ['5 GiB', 5 * 2 ** 30],
  ['1.5MB', 1.5e6],
  ['30KB', 30_000],
  ['2tb', 2e12],
])('%s is %d bytes', (size, bytes) => {
  expect(modelOptions.parse({ path: 'x', maxShardSize: size }).maxShardSize).toBe(size);
  expect(bytesOfSize(size)).toBe(bytes);
});

it.each(['5', 'GB', '-1GB', '5 GB or so'])('%j is no size', (size) => {
  expect(modelOptions.safeParse({ path: 'x', maxShardSize: size }).success).toBe(false);
});
