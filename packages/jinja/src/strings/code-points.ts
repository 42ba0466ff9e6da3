// SPDX-License-Identifier: Apache-2.0
import { allocateItems, spendOnText } from '../runtime/budget.js';

/** Python counts characters, JavaScript UTF-16 units: they differ where a text holds a pair of surrogates. */
const surrogate = /[\ud800-\udfff]/;

/** Whether every character is one UTF-16 unit. */
export const isSimple = (text: string): boolean => !surrogate.test(text);

/** Number of characters. */
export function lengthOf(text: string): number {
  spendOnText(text.length);
  return isSimple(text) ? text.length : [...text].length;
}

/** The characters of a text. */
export function characters(text: string): string[] {
  allocateItems(text.length);
  return isSimple(text) ? text.split('') : [...text];
}

/** The part from character `start` up to `end`, both from 0. */
export function sliceText(text: string, start: number, end: number): string {
  spendOnText(text.length);
  return isSimple(text) ? text.slice(start, end) : [...text].slice(start, end).join('');
}

/** Number of characters before UTF-16 unit `unit`. */
export function characterAt(text: string, unit: number): number {
  return isSimple(text) ? unit : Array.from(text.slice(0, unit)).length;
}

/** -1, 0 or 1 by characters; UTF-16 would put those beyond U+FFFF before some below. */
export function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  if (isSimple(a) && isSimple(b)) return a < b ? -1 : 1;
  const [left, right] = [[...a], [...b]];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = left[at]!.codePointAt(0)! - right[at]!.codePointAt(0)!;
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(left.length - right.length);
}
