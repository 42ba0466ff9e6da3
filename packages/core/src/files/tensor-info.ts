// SPDX-License-Identifier: Apache-2.0
/** safetensors dtypes that llmf reads and writes. */
export type SafetensorsDtype = 'F32' | 'F16' | 'BF16' | 'F64' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

export const bytesPerElement: Readonly<Record<SafetensorsDtype, number>> = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

export interface TensorInfo {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
}

/** A tensor on the host in its storage form: little-endian bytes, row-major. */
export interface HostTensor extends TensorInfo {
  readonly data: Uint8Array;
}

/** Bytes of a tensor in its storage form. */
export const byteLength = ({ shape, dtype }: TensorInfo): number =>
  shape.reduce((product, size) => product * size, bytesPerElement[dtype]);
