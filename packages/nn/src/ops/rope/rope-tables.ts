// SPDX-License-Identifier: Apache-2.0
import type { Positions } from '../../contracts/segments.js';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';

/** How a checkpoint stretches its positions; formulas as Transformers' `modeling_rope_utils`. */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      /** Context length the model was first trained with. */
      readonly originalContext: number;
    };

export interface RopeOptions {
  /** R, the values of a head that are rotated; even. Those beyond stay. */
  readonly rotary: number;
  /** Pairs are neighbours (GPT-J), not of the two halves of R; a fact for `rope`, not for its tables. */
  readonly interleaved?: boolean | undefined;
  /** Base of the frequencies, e.g. 10000. */
  readonly theta: number;
  readonly scaling?: RopeScaling | null | undefined;
  /**
   * Multimodal rope (Qwen2-VL): how many of the R/2 frequencies follow the time, height and width position; needs
   * positions [3, T].
   */
  readonly sections?: readonly [number, number, number] | null | undefined;
}

/** cos and sin of position × frequency, each [T, R/2]. */
export interface RopeTables {
  readonly cos: Tensor2D;
  readonly sin: Tensor2D;
}

/** The same on the host, row-major: what passes that run again make their tensors from. */
export interface RopeValues {
  readonly shape: readonly [number, number];
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Tables for one packed row, computed in double precision.
 *
 * @throws LLMF_NN_VALUE
 */
export function ropeValues(positions: Positions, { rotary, theta, scaling, sections }: RopeOptions): RopeValues {
  const frequencies = ropeFrequencies(rotary, theta, scaling ?? null);
  const axes = axisOfFrequency(positions, frequencies.length, sections ?? null);
  const rows = axes[0]?.length ?? 0;
  const cos = new Float32Array(rows * frequencies.length);
  const sin = new Float32Array(rows * frequencies.length);
  const count = frequencies.length;
  const placeOf = new Map<number, number>(); // of a position's values: every segment begins at 0 again
  for (let token = 0; token < rows; token++) {
    const place = token * count;
    const position = positions instanceof Int32Array ? positions[token]! : null;
    const before = position === null ? undefined : placeOf.get(position);
    if (before !== undefined) {
      for (const values of [cos, sin]) values.copyWithin(place, before, before + count);
      continue;
    }
    if (position !== null) placeOf.set(position, place);
    for (let i = 0; i < count; i++) {
      const angle = axes[i]![token]! * frequencies[i]!;
      cos[place + i] = Math.cos(angle);
      sin[place + i] = Math.sin(angle);
    }
  }
  return { shape: [rows, frequencies.length], cos, sin };
}

/** The tables as tensors; the caller disposes them (or a tidy). */
export function ropeTensors({ shape: [rows, columns], cos, sin }: RopeValues): RopeTables {
  return { cos: tf.tensor2d(cos, [rows, columns], 'float32'), sin: tf.tensor2d(sin, [rows, columns], 'float32') };
}

/** @throws LLMF_NN_VALUE */
export const ropeTables = (positions: Positions, options: RopeOptions): RopeTables =>
  ropeTensors(ropeValues(positions, options));

/** θ^(−2i/R) for i < R/2, stretched as the checkpoint says. */
export function ropeFrequencies(rotary: number, theta: number, scaling: RopeScaling | null): Float64Array {
  if (rotary <= 0 || rotary % 2 !== 0) {
    throw errors.value({ op: 'ropeTables', input: 'rotary', got: String(rotary), expected: 'a positive even number' });
  }
  const plain = Float64Array.from({ length: rotary / 2 }, (_, i) => theta ** ((-2 * i) / rotary));
  if (scaling === null) return plain;
  return plain.map((frequency) =>
    scaling.type === 'linear' ? frequency / scaling.factor : llama3(frequency, scaling),
  );
}

/** Long waves are stretched by the factor, short ones kept, those between interpolated. */
function llama3(frequency: number, scaling: Extract<RopeScaling, { type: 'llama3' }>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI); // full turns within the original context
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** For each frequency, the positions it follows. */
function axisOfFrequency(
  positions: Positions,
  count: number,
  sections: readonly [number, number, number] | null,
): Int32Array[] {
  if (positions instanceof Int32Array) return Array.from({ length: count }, () => positions);
  if (sections === null || sections[0] + sections[1] + sections[2] !== count) {
    const got = sections === null ? 'none' : sections.join(' + ');
    throw errors.value({ op: 'ropeTables', input: 'sections', got, expected: `three that add up to ${count}` });
  }
  return sections.flatMap((length, axis) => Array.from({ length }, () => positions[axis]!));
}
