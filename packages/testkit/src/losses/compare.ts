// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';

type Values = ArrayLike<number>;

/** Fails, showing both, where two lists of numbers differ in length or anywhere by more than `tolerance`. */
export function expectClose(got: Values, expected: Values, tolerance: number, what = 'values'): void {
  const message = () => `${what}: got ${Array.from(got).join(', ')}\nexpected ${Array.from(expected).join(', ')}`;
  expect(got.length, message()).toBe(expected.length);
  const differences = Array.from(expected, (value, i) => Math.abs(got[i]! - value));
  if (differences.every((difference) => difference <= tolerance)) return;
  expect.fail(`${message()}\nwithin ${tolerance}`);
}

export const sum = (values: Values): number => Array.from(values).reduce((total, value) => total + value, 0);

export const largest = (values: Values): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
