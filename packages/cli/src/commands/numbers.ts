// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander';

/** For options that take a count. */
export const wholeNumber = (text: string): number => checked(text, 1, 'a whole number, 1 or more');

/** For counts of what is held in memory until all of it is there. */
export function wholeNumberTo(most: number): (text: string) => number {
  const wanted = `a whole number from 1 to ${most.toLocaleString('en')}`;
  return (text) => {
    const value = checked(text, 1, wanted);
    if (value > most) throw new InvalidArgumentError(`It must be ${wanted}.`);
    return value;
  };
}

/** For seeds. */
export const wholeNumberFrom0 = (text: string): number => checked(text, 0, 'a whole number, 0 or more');

/** For temperatures and shares. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

/** For least differences. */
export function nonNegativeNumber(text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value >= 0)) throw new InvalidArgumentError('It must be a number, 0 or more.');
  return value;
}

function checked(text: string, least: number, wanted: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least) {
    throw new InvalidArgumentError(`It must be ${wanted}.`);
  }
  return value;
}
