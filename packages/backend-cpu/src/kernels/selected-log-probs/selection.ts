// SPDX-License-Identifier: Apache-2.0
import type { NativeBackend, TensorInfo } from '../define-kernel.js';

/** Which tokens' log-probs are asked for, and of which logits. */
export interface Selection {
  readonly hidden: TensorInfo; // [T, C]
  readonly head: TensorInfo; // [V, C]
  readonly bias?: TensorInfo; // [V]
  readonly rows: TensorInfo; // [S] int32
  readonly targets: TensorInfo; // [S] int32
}

/** What logits are, besides h Wᵀ + b. */
export interface LogitForm {
  readonly softCap: number;
  readonly temperature: number;
}

/** What log-probs, their slope and their gradient share. */
export const selectionValues = (
  { hidden, head, bias, rows, targets }: Selection,
  { softCap, temperature }: LogitForm,
  backend: NativeBackend,
) => ({
  tokens: hidden.shape[0]!,
  columns: hidden.shape[1]!,
  vocabulary: head.shape[0]!,
  selected: rows.shape[0]!,
  softCap,
  temperature,
  rounds: backend.roundsProducts,
  hidden: backend.floats(hidden),
  head: backend.weight(head),
  bias: backend.optionalFloats(bias),
  rows: backend.integers(rows),
  targets: backend.integers(targets),
});
