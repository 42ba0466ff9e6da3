// SPDX-License-Identifier: Apache-2.0
import { firstNonFinite, firstNonFiniteBf16, type SafetensorsDtype } from '@llmf/core';
import { modelErrors } from '../errors.js';

/** Values as they were read. @throws LLMF_MODELS_WEIGHT_NOT_FINITE */
export function checkLoaded(folder: string, tensor: string, values: Float32Array | Uint16Array): void {
  const at = firstOf(values);
  if (at === -1) return;
  const fix = 'the checkpoint is damaged, or its training went wrong: use an earlier one';
  throw modelErrors.weightNotFinite({ where: folder, tensor, got: textOf(values, at), fix });
}

/** Values that are about to be written. @throws LLMF_MODELS_WEIGHT_NOT_FINITE, LLMF_MODELS_WEIGHT_TOO_LARGE */
export function checkSaved(
  folder: string,
  tensor: string,
  values: Float32Array | Uint16Array,
  dtype: SafetensorsDtype,
): void {
  const at = firstOf(values);
  if (at !== -1) {
    const fix = 'nothing was written; go on from an earlier checkpoint with a lower learning rate';
    throw modelErrors.weightNotFinite({ where: folder, tensor, got: textOf(values, at), fix });
  }
  const range = ranges[dtype];
  if (range === undefined || !(values instanceof Float32Array)) return;
  const beyond = values.findIndex((value) => Math.abs(value) >= range.infinite);
  if (beyond === -1) return;
  throw modelErrors.weightTooLarge({
    where: folder,
    tensor,
    dtype,
    largest: range.largest,
    got: textOf(values, beyond),
  });
}

/** The largest number of a form, and the first that rounds to infinity: half way to what would come next. */
const ranges: Partial<Record<SafetensorsDtype, { readonly largest: string; readonly infinite: number }>> = {
  F16: { largest: '65504', infinite: 65520 },
  BF16: { largest: '3.39e38', infinite: (2 - 2 ** -8) * 2 ** 127 },
};

/** Words are bfloat16. */
const firstOf = (values: Float32Array | Uint16Array): number =>
  values instanceof Float32Array ? firstNonFinite(values) : firstNonFiniteBf16(values);

const textOf = (values: Float32Array | Uint16Array, at: number): string =>
  `${values instanceof Float32Array ? values[at] : 'NaN or infinity'} at place ${at} of ${values.length}`;
