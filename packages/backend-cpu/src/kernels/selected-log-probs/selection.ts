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

/** What read_selection of tiles.h reads, in its order. */
export const selectionArguments = (
  { hidden, head, bias, rows, targets }: Selection,
  temperature: number,
  backend: NativeBackend,
) =>
  [
    hidden.shape[0]!,
    hidden.shape[1]!,
    head.shape[0]!,
    rows.shape[0]!,
    temperature,
    backend.floats(hidden),
    backend.weight(head),
    backend.optionalFloats(bias),
    backend.integers(rows),
    backend.integers(targets),
  ] as const;
