// SPDX-License-Identifier: Apache-2.0
import type { PackedWeight } from '@llmf/nn';
import type { NativePart, NativeWeight } from '../addon/addon.js';

/** As native/arguments.h numbers them. */
const kinds = { halves: 0, fourBits: 1, eightBits: 2, blocks: 3, groups: 4 } as const;
const blockKinds = ['q8_0', 'q4_0', 'q4_1', 'q5_0', 'q5_1', 'q4_k', 'q5_k', 'q6_k'];

const fourBits = ({ parts }: PackedWeight): NativeWeight => {
  const { codes, book, blockSize, scales, scaleCodes, scaleBook, nestedScales, scaleOffset } = parts;
  const given = [codes, book, scales, scaleCodes, scaleBook, nestedScales, scaleOffset];
  return [kinds.fourBits, blockSize![0]!, ...given.map((part) => (part as NativePart | undefined) ?? null)];
};

const groups = ({ parts, shape }: PackedWeight): NativeWeight => {
  const { codes, scales, zeros, groups: ofColumns } = parts;
  return [kinds.groups, shape[1]!, ...[codes, scales, zeros, ofColumns].map((part) => part as NativePart)];
};

/** The formats that kernels read as they are kept, each as the addon takes it. */
const forms: Readonly<Record<string, (weight: PackedWeight) => NativeWeight>> = {
  f32: ({ parts }) => parts['values'] as Float32Array,
  bf16: ({ parts }) => parts['values'] as Uint16Array,
  f16: ({ parts }) => [kinds.halves, 1, parts['values'] as Uint16Array],
  nf4: fourBits,
  fp4: fourBits,
  int8: ({ parts, shape }) => [
    kinds.eightBits,
    shape[1]!,
    parts['codes'] as Int8Array,
    null,
    parts['scales'] as Float32Array,
  ],
  int4: groups,
  ...Object.fromEntries(
    blockKinds.map((name, kind) => [
      name,
      ({ parts }: PackedWeight): NativeWeight => [kinds.blocks, kind, parts['blocks'] as Uint8Array],
    ]),
  ),
};

export const nativeFormats: ReadonlySet<string> = new Set(Object.keys(forms));

const made = new WeakMap<PackedWeight, NativeWeight>();

/** A packed weight of a native format, for a kernel. */
export function nativeWeight(weight: PackedWeight): NativeWeight {
  const known = made.get(weight);
  if (known !== undefined) return known;
  const form = forms[weight.format.name]!(weight);
  made.set(weight, form);
  return form;
}
