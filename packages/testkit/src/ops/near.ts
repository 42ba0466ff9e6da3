// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import type { HostValue } from './op-case.js';

export function near(got: HostValue, expected: HostValue, tolerance: number, what: string): void {
  expect(got.shape, what).toEqual(expected.shape);
  const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const allowed = tolerance * (1 + largest);
  const wrong = expected.data.findIndex((value, index) => !(Math.abs(value - got.data[index]!) <= allowed));
  const report =
    wrong === -1 ? 'near' : `${what}[${wrong}]: ${got.data[wrong]}, expected ${expected.data[wrong]} ± ${allowed}`;
  expect(report).toBe('near');
}
