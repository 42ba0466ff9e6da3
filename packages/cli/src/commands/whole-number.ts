// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander';

/** For options that take a count. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return value;
}
