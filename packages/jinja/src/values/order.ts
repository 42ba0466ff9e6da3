// SPDX-License-Identifier: Apache-2.0
import { nested, spend, spendOnText } from '../runtime/budget.js';
import { compareCodePoints } from '../strings/code-points.js';
import { typeError } from '../template-error.js';
import { isEqual, textOf } from './equality.js';
import { isNumber, numberOf } from './numbers.js';
import { Tuple } from './tuple.js';
import { typeName } from './type-name.js';
import { Undefined } from './undefined.js';
import type { Value } from './value.js';

/**
 * -1, 0 or 1 as `a` stands before, with or behind `b`; NaN stands nowhere and gives NaN.
 * @throws TypeError where Python knows no order.
 */
export function order(a: Value, b: Value, sign = '<'): number {
  spend(1);
  if (isNumber(a) && isNumber(b)) return orderNumbers(numberOf(a), numberOf(b));
  const [text, otherText] = [textOf(a), textOf(b)];
  if (text !== null && otherText !== null) {
    spendOnText(Math.min(text.length, otherText.length));
    return compareCodePoints(text, otherText);
  }
  if (a instanceof Undefined) a.fail();
  if (b instanceof Undefined) b.fail();
  if (Array.isArray(a) && Array.isArray(b)) return orderItems(a, b, sign);
  if (a instanceof Tuple && b instanceof Tuple) return orderItems(a.items, b.items, sign);
  throw typeError(`'${sign}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

function orderNumbers(a: bigint | number, b: bigint | number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return a == b ? 0 : NaN;
}

function orderItems(a: readonly Value[], b: readonly Value[], sign: string): number {
  const shared = Math.min(a.length, b.length);
  return nested(() => {
    for (let at = 0; at < shared; at++) {
      if (a[at] !== b[at] && !isEqual(a[at]!, b[at]!)) return order(a[at]!, b[at]!, sign);
    }
    return Math.sign(a.length - b.length);
  });
}
