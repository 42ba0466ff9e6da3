// SPDX-License-Identifier: Apache-2.0
import { token, type Named, type SafetensorsDtype } from '@llmf/core';
import type { Rounded, RoundingRule } from './rounding-rule.js';

/** One array of a packed weight. */
export type WeightPart = Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array | Int8Array;
export type WeightParts = Readonly<Record<string, WeightPart>>;

/** A frozen weight as it is kept: the arrays of its format. Nobody writes them. */
export interface PackedWeight {
  readonly format: WeightFormat;
  readonly shape: readonly number[];
  readonly parts: WeightParts;
}

/**
 * How a frozen weight is kept, whatever precision computes. A backend may multiply straight from the parts of the formats
 * it knows (`StartedBackend.formats`); everywhere else `expand` gives float32 values, a layer at a time.
 */
export interface WeightFormat extends Named {
  /** safetensors files hold a weight of this format as elements of this dtype; it has one part then, `values`. */
  readonly dtype?: SafetensorsDtype;
  /** GGUF files keep rows of this format, under its name, as whole blocks of so many weights; it has one part, `blocks`. */
  readonly blocks?: { readonly weights: number; readonly bytes: number };
  /** Why a weight of this shape cannot be kept in it, or null. Left out: every matrix can. */
  refuses?(shape: readonly number[], options: Record<string, unknown>): string | null;
  /** The rule that `pack` follows, and the parts of what it gives. Left out: only `pack` knows. */
  rounding?(options: Record<string, unknown>): {
    readonly rule: RoundingRule;
    parts(rounded: Rounded): WeightParts;
  };
  /** @param values row-major, finite; not kept. */
  pack(values: Float32Array, shape: readonly number[], options: Record<string, unknown>): WeightParts;
  /** Rows [from, to) as float32, row-major: the values that every product computes with. */
  expand(weight: PackedWeight, from: number, to: number, into: Float32Array): void;
  /** Bytes of the parts of a weight. */
  bytes(shape: readonly number[], options: Record<string, unknown>): number;
}

/** A format as a config chose it. */
export interface ChosenFormat {
  readonly format: WeightFormat;
  readonly options: Record<string, unknown>;
}

export const WeightFormatToken = token<WeightFormat>('weight-format');
