// SPDX-License-Identifier: Apache-2.0
import { ropeFactors, type GgufKind } from './kinds.js';
import type { Metadata } from './metadata.js';

/**
 * `rope_scaling` of config.json; {} where positions are not scaled. Llama 3.1's scaling is in a file as the divisor of each
 * frequency, [D/2]: its parameters are found again and proven by computing the divisors from them.
 * @throws LLMF_MODELS_GGUF_VALUE for divisors of another making
 */
export function ropeScaling(
  kind: GgufKind,
  metadata: Metadata,
  { headDim, theta }: { readonly headDim: number; readonly theta: number },
  divisors: Float32Array | null,
): Record<string, unknown> {
  if (divisors !== null) return { rope_scaling: llama3(metadata, theta, headDim, divisors) };
  const type = metadata.text(`${kind.name}.rope.scaling.type`, 'none');
  if (type === 'none') return {};
  const factor = metadata.number(`${kind.name}.rope.scaling.factor`);
  return { rope_scaling: { rope_type: type, factor } };
}

/** Of Llama 3.1 to 3.3; only the factor differs among them (8 or 32). */
const scaling = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

function llama3(metadata: Metadata, theta: number, headDim: number, divisors: Float32Array): Record<string, unknown> {
  const factor = divisors.reduce((most, value) => Math.max(most, value), 1);
  const expected = divisorsOf(theta, headDim, factor);
  const isSame = (value: number, index: number) => Math.abs(value - expected[index]!) <= 1e-4 * expected[index]!;
  if (divisors.length === expected.length && [...divisors].every(isSame)) {
    return { rope_type: 'llama3', factor, ...scaling };
  }
  throw metadata.refuse(ropeFactors, "Llama 3's scaling of rotary positions");
}

/** Transformers 5.18, modeling_rope_utils.py, _compute_llama3_parameters. */
function divisorsOf(theta: number, headDim: number, factor: number): number[] {
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: context } = scaling;
  return Array.from({ length: headDim / 2 }, (_, index) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * index) / headDim);
    if (wavelength < context / high) return 1;
    if (wavelength > context / low) return factor;
    const smooth = (context / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
