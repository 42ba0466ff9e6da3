// SPDX-License-Identifier: Apache-2.0
import type { Precision } from '@llmf/core';

/** How far two results of the same maths may lie apart. */
export interface Tolerance {
  /** Of a value v: this times max(1, |v|). Rounding of one f32 operation is 6e-8, of one bf16 product 4e-3. */
  readonly value: number;
  /** Of a gradient: this times its largest entry. */
  readonly gradient: number;
  /** Of a gradient held against finite differences with a step of 2⁻⁶: this times its largest entry. */
  readonly finiteDifference: number;
}

export const tolerances: Readonly<Record<Precision, Tolerance>> = Object.freeze({
  f32: { value: 1e-6, gradient: 1e-6, finiteDifference: 1e-2 },
  bf16: { value: 1e-2, gradient: 2e-2, finiteDifference: 1e-1 },
});
