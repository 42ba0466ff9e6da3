// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';

/** Why a key is not passed over, and what to do. */
export interface Refusal {
  readonly expected: string;
  readonly fix: string;
}

/** What the adapters of one kind say of themselves. */
export interface PeftForm<Schema extends z.ZodObject = z.ZodObject> {
  /** For messages: `a LoRA adapter as PEFT writes it`. */
  readonly expected: string;
  /** The keys that are computed, in a loose object. */
  readonly computed: Schema;
  /** Keys that do not matter once an adapter is saved, beside those that PEFT writes for every kind. */
  readonly silent: ReadonlySet<string>;
  /** Why another key that holds something is refused; null: here it says nothing. Left out: unknown keys are refused. */
  refusal?(key: string, value: unknown, tensors: readonly string[]): Refusal | null;
  /** Is this a tensor that the kind reads? The others are named in messages. */
  reads(tensor: string): boolean;
}
