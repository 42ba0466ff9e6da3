// SPDX-License-Identifier: Apache-2.0
import { toJson } from './filters/to-json.js';
import { limitsFor, withBudget } from './runtime/budget.js';
import { toValue } from './values/to-value.js';

/** A value as JSON in the form that `tojson` gives it: Python's spaces, numbers as they were written. */
export function jsonText(value: unknown): string {
  return withBudget({ ...limitsFor(0), steps: Infinity, bytes: Infinity, textLength: Infinity }, () =>
    toJson(toValue(value)),
  );
}
