// SPDX-License-Identifier: Apache-2.0
import type { NativeWeight } from '../addon/addon.js';
/**
 * What a native kernel takes, declared once. From this TypeScript gets the type of the call and the binding its order
 * (addon/bind-kernels.ts), and C++ the struct that the kernel is a member of and the code that reads and checks it
 * (addon/write-signatures.ts). Names are camelCase here and snake_case there.
 *
 * An array's length is a C++ expression over parameters declared before it, which a call must reach.
 */
export interface Parameter<Value = unknown> {
  readonly kind: Kind;
  /** Of an array: how long it must be at least; of a list: each of its elements. */
  readonly length?: string;
  /** Of a list: how many elements it has at least. */
  readonly count?: string;
  /** null may be given. */
  readonly isOptional?: boolean;
  /** Only for the type. */
  readonly value?: Value;
}

export type Signature = Readonly<Record<string, Parameter>>;
export type Signatures = Readonly<Record<string, Signature>>;

/** Values of a call, each under its name. */
export type ArgumentsOf<S extends Signature> = {
  readonly [Name in keyof S]: S[Name] extends Parameter<infer Value> ? Value : never;
};

export type NumberKind = keyof typeof numberTypes;
export type ArrayKind = keyof typeof arrayTypes;
type Kind = NumberKind | ArrayKind;

/** C++ types of numbers; a size is not negative. */
export const numberTypes = {
  size: 'int64_t',
  integer: 'int64_t',
  scalar: 'float',
  number: 'double',
  flag: 'bool',
} as const;

/** C++ types of arrays. */
export const arrayTypes = {
  floats: 'const float*',
  integers: 'const int32_t*',
  bytes: 'const uint8_t*',
  bf16: 'const uint16_t*',
  /** Any values of four bytes, to be copied as they are. */
  words: 'const uint32_t*',
  /** float32 values, bf16 bits, or a packed weight. */
  weight: 'Storage',
  output: 'float*',
  output_integers: 'int32_t*',
  output_bytes: 'uint8_t*',
  output_bf16: 'uint16_t*',
  output_words: 'uint32_t*',
  // Lists of such arrays; those of pointers may have nulls.
  weights: 'const Storage*',
  floats_list: 'const float* const*',
  bf16_list: 'const uint16_t* const*',
  output_list: 'float* const*',
} as const;

export const isNumber = ({ kind }: Parameter): boolean => kind in numberTypes;

export const size: Parameter<number> = { kind: 'size' };
export const integer: Parameter<number> = { kind: 'integer' };
export const scalar: Parameter<number> = { kind: 'scalar' };
export const number: Parameter<number> = { kind: 'number' };
export const flag: Parameter<boolean> = { kind: 'flag' };

const arrayOf =
  <Value>(kind: ArrayKind) =>
  (length: string): Parameter<Value> => ({ kind, length });

export const floats = arrayOf<Float32Array>('floats');
export const integers = arrayOf<Int32Array>('integers');
export const bytes = arrayOf<Uint8Array>('bytes');
export const bf16 = arrayOf<Uint16Array>('bf16');
export const words = arrayOf<Float32Array | Int32Array>('words');
export const weight = arrayOf<NativeWeight>('weight');
export const output = arrayOf<Float32Array>('output');
export const outputIntegers = arrayOf<Int32Array>('output_integers');
export const outputBytes = arrayOf<Uint8Array>('output_bytes');
export const outputBf16 = arrayOf<Uint16Array>('output_bf16');
export const outputWords = arrayOf<Float32Array | Int32Array>('output_words');

const listOf =
  <Value>(kind: ArrayKind) =>
  (count: string, length: string): Parameter<readonly Value[]> => ({ kind, count, length });

export const weights = listOf<NativeWeight>('weights');
export const floatsList = listOf<Float32Array | null>('floats_list');
export const bf16List = listOf<Uint16Array | null>('bf16_list');
export const outputList = listOf<Float32Array | null>('output_list');

/** An array that may be left out, with null. */
export const optional = <Value>(parameter: Parameter<Value>): Parameter<Value | null> =>
  ({ ...parameter, isOptional: true }) as Parameter<Value | null>;

/** One line that tells two signatures apart, as the addon carries it: `count:size value:scalar y:output`. */
export const textOf = (signature: Signature): string =>
  Object.entries(signature)
    .map(([name, { kind, isOptional }]) => `${name}:${kind}${isOptional === true ? '?' : ''}`)
    .join(' ');
