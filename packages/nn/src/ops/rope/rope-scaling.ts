// SPDX-License-Identifier: Apache-2.0
/**
 * How checkpoints stretch their rotary positions to contexts longer than those of their training. R values of a head are
 * rotated, θ is the base, L the length of the sequence; formulas as Transformers 5.18, modeling_rope_utils.py.
 */

/** All frequencies divided by the factor (position interpolation, Chen et al., 2023, arXiv 2306.15595). */
export interface LinearScaling {
  readonly type: 'linear';
  readonly factor: number;
}

/** A larger θ for sequences beyond the context ("NTK-aware", dynamic): θ (factor·L/context − factor + 1)^(R/(R−2)). */
export interface DynamicScaling {
  readonly type: 'dynamic';
  readonly factor: number;
  readonly originalContext: number;
}

/** Frequencies divided by the factor, kept, or between, by how often they turn in the original context (Llama 3.1). */
export interface Llama3Scaling {
  readonly type: 'llama3';
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  /** Context length the model was first trained with. */
  readonly originalContext: number;
}

/** The same with a ramp over the frequencies' numbers, and longer vectors (Peng et al., YaRN, 2023, arXiv 2309.00071). */
export interface YarnScaling {
  readonly type: 'yarn';
  readonly factor: number;
  readonly originalContext: number;
  /** Turns in the original context above which a frequency is kept, and below which it is divided. */
  readonly betaFast: number;
  readonly betaSlow: number;
  /** The ramp begins and ends at whole numbers. */
  readonly isTruncated: boolean;
  readonly magnitude: number;
}

/** A factor for each frequency, of two sets by the sequence's length (Ding et al., LongRoPE, 2024, arXiv 2402.13753). */
export interface LongRopeScaling {
  readonly type: 'longrope';
  readonly shortFactors: readonly number[]; // [R/2]
  readonly longFactors: readonly number[]; // [R/2]
  readonly originalContext: number;
  readonly magnitude: number;
}

export type RopeScaling = LinearScaling | DynamicScaling | Llama3Scaling | YarnScaling | LongRopeScaling;

/** θ^(−2i/R) for i < R/2 */
export const plainFrequencies = (rotary: number, theta: number): Float64Array =>
  Float64Array.from({ length: rotary / 2 }, (_, i) => theta ** ((-2 * i) / rotary));

export function scaledFrequencies(rotary: number, theta: number, scaling: RopeScaling, length: number): Float64Array {
  const plain = plainFrequencies(rotary, theta);
  switch (scaling.type) {
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'dynamic':
      return plainFrequencies(rotary, dynamicTheta(rotary, theta, scaling, length));
    case 'llama3':
      return plain.map((frequency) => llama3(frequency, scaling));
    case 'yarn': {
      const shares = yarnShares(rotary, theta, scaling);
      return plain.map((frequency, i) => (frequency * (1 - shares[i]!)) / scaling.factor + frequency * shares[i]!);
    }
    case 'longrope': {
      const factors = length > scaling.originalContext ? scaling.longFactors : scaling.shortFactors;
      return plain.map((frequency, i) => frequency / factors[i]!);
    }
  }
}

/** What cos and sin are multiplied by. */
export const ropeMagnitude = (scaling: RopeScaling | null): number =>
  scaling !== null && 'magnitude' in scaling ? scaling.magnitude : 1;

/** The length as far as a scaling tells lengths apart: sequences for which it is the same are rotated alike. */
export function scaledLength(scaling: RopeScaling | null, length: number): number {
  if (scaling?.type === 'dynamic') return Math.max(length, scaling.originalContext);
  if (scaling?.type === 'longrope') return length > scaling.originalContext ? scaling.originalContext + 1 : 0;
  return 0;
}

function dynamicTheta(rotary: number, theta: number, scaling: DynamicScaling, length: number): number {
  const { factor, originalContext } = scaling;
  const stretch = (factor * Math.max(length, originalContext)) / originalContext - (factor - 1);
  return theta * stretch ** (rotary / (rotary - 2));
}

/** Long waves are stretched by the factor, short ones kept, those between interpolated. */
function llama3(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI); // full turns within the original context
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** How much of each frequency is kept, from 1 for those that turn often to 0. */
function yarnShares(rotary: number, theta: number, scaling: YarnScaling): number[] {
  const { originalContext, betaFast, betaSlow, isTruncated } = scaling;
  const numberOf = (turns: number) =>
    (rotary * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [numberOf(betaFast), numberOf(betaSlow)];
  const low = Math.max(0, isTruncated ? Math.floor(first) : first);
  const high = Math.min(rotary - 1, isTruncated ? Math.ceil(last) : last);
  const width = low === high ? 0.001 : high - low;
  return Array.from({ length: rotary / 2 }, (_, i) => 1 - Math.min(1, Math.max(0, (i - low) / width)));
}
