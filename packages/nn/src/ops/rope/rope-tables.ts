// SPDX-License-Identifier: Apache-2.0
import type { Positions } from '../../contracts/segments.js';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { plainFrequencies, ropeMagnitude, scaledFrequencies, scaledLength, type RopeScaling } from './rope-scaling.js';

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
  /**
   * The frequencies of the three take turns, time, height, width, as long as height and width have some left; those left
   * over are time's (Qwen3-VL). Left out: one section after the other.
   */
  readonly sectionsTakeTurns?: boolean | undefined;
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
 * @param lengths [T] tokens of each token's sequence; left out: none is longer than the context a scaling starts from
 * @throws LLMF_NN_VALUE
 */
export function ropeValues(
  positions: Positions,
  { rotary, theta, scaling = null, sections, sectionsTakeTurns = false }: RopeOptions,
  lengths?: Int32Array,
): RopeValues {
  checkRotary(rotary);
  const count = rotary / 2;
  const axes = axisOfFrequency(positions, count, sections ?? null, sectionsTakeTurns);
  const rows = axes[0]?.length ?? 0;
  const magnitude = ropeMagnitude(scaling);
  const frequenciesOf = remembered((length: number) => ropeFrequencies(rotary, theta, scaling, length));
  const [cos, sin] = [new Float32Array(rows * count), new Float32Array(rows * count)];
  const placeOf = new Map<number, number>(); // of a position's values: every segment begins at 0 again
  for (let token = 0; token < rows; token++) {
    const place = token * count;
    const length = scaledLength(scaling, lengths?.[token] ?? 0);
    const key = positions instanceof Int32Array ? length * beyondPositions + positions[token]! : null;
    const before = key === null ? undefined : placeOf.get(key);
    if (before !== undefined) {
      for (const values of [cos, sin]) values.copyWithin(place, before, before + count);
      continue;
    }
    if (key !== null) placeOf.set(key, place);
    const frequencies = frequenciesOf(length);
    for (let i = 0; i < count; i++) {
      const angle = axes[i]![token]! * frequencies[i]!;
      cos[place + i] = magnitude * Math.cos(angle);
      sin[place + i] = magnitude * Math.sin(angle);
    }
  }
  return { shape: [rows, count], cos, sin };
}

/** More than any position, and small enough that a length times it is exact. */
const beyondPositions = 2 ** 26;

function remembered<V>(compute: (key: number) => V): (key: number) => V {
  const known = new Map<number, V>();
  return (key) => {
    const value = known.get(key) ?? compute(key);
    known.set(key, value);
    return value;
  };
}

/** The tables as tensors; the caller disposes them (or a tidy). */
export function ropeTensors({ shape: [rows, columns], cos, sin }: RopeValues): RopeTables {
  return { cos: tf.tensor2d(cos, [rows, columns], 'float32'), sin: tf.tensor2d(sin, [rows, columns], 'float32') };
}

/** @throws LLMF_NN_VALUE */
export const ropeTables = (positions: Positions, options: RopeOptions): RopeTables =>
  ropeTensors(ropeValues(positions, options));

/**
 * θ^(−2i/R) for i < R/2, stretched as the checkpoint says.
 * @param length tokens of the sequence, which decides where a scaling asks for it
 * @throws LLMF_NN_VALUE
 */
export function ropeFrequencies(rotary: number, theta: number, scaling: RopeScaling | null, length = 0): Float64Array {
  checkRotary(rotary);
  return scaling === null ? plainFrequencies(rotary, theta) : scaledFrequencies(rotary, theta, scaling, length);
}

function checkRotary(rotary: number): void {
  if (rotary > 0 && rotary % 2 === 0) return;
  throw errors.value({ op: 'ropeTables', input: 'rotary', got: String(rotary), expected: 'a positive even number' });
}

/** For each frequency, the positions it follows. */
function axisOfFrequency(
  positions: Positions,
  count: number,
  sections: readonly [number, number, number] | null,
  takeTurns: boolean,
): Int32Array[] {
  if (positions instanceof Int32Array) return Array.from({ length: count }, () => positions);
  if (sections === null || sections[0] + sections[1] + sections[2] !== count) {
    const got = sections === null ? 'none' : sections.join(' + ');
    throw errors.value({ op: 'ropeTables', input: 'sections', got, expected: `three that add up to ${count}` });
  }
  if (takeTurns) {
    return Array.from({ length: count }, (_, index) => {
      const axis = index % 3;
      return positions[index < 3 * sections[axis]! ? axis : 0]!;
    });
  }
  return sections.flatMap((length, axis) => Array.from({ length }, () => positions[axis]!));
}
