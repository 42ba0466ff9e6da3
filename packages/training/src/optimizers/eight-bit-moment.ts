// SPDX-License-Identifier: Apache-2.0
import type { HostTensor } from '@llmf/core';
import type { DynamicCodes } from '@llmf/nn';

/** Numbers that share a scale, their largest magnitude (Dettmers et al., 2022: 2048; bitsandbytes since 0.44: 256). */
const blockSize = 256;

/** Bytes of a number in it. */
export const eightBitBytes = 1 + 4 / blockSize;

/** What an optimizer remembers of a variable, as 8-bit codes in blocks: value ≈ book[code] · scale. */
export class EightBitMoment {
  private readonly codes: Uint8Array;
  private readonly scales: Float32Array;

  constructor(
    size: number,
    private readonly kind: DynamicCodes,
  ) {
    this.codes = new Uint8Array(size).fill(kind.codeOf(0));
    this.scales = new Float32Array(Math.ceil(size / blockSize));
  }

  expand(): Float32Array {
    const { codes, scales } = this;
    const { book } = this.kind;
    const values = new Float32Array(codes.length);
    for (let block = 0; block < scales.length; block++) {
      const scale = scales[block]!;
      const end = Math.min(codes.length, (block + 1) * blockSize);
      for (let i = block * blockSize; i < end; i++) values[i] = book[codes[i]!]! * scale;
    }
    return values;
  }

  pack(values: Float32Array): void {
    const { codes, scales } = this;
    const { codeOf } = this.kind;
    for (let block = 0; block < scales.length; block++) {
      const [start, end] = [block * blockSize, Math.min(codes.length, (block + 1) * blockSize)];
      let most = 0;
      for (let i = start; i < end; i++) most = Math.max(most, Math.abs(values[i]!));
      scales[block] = most;
      for (let i = start; i < end; i++) codes[i] = codeOf(most === 0 ? 0 : values[i]! / most);
    }
  }

  /** For a checkpoint; not copied. */
  tensors(name: string): Record<string, HostTensor> {
    const { codes, scales } = this;
    const bytes = new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength);
    return {
      [`${name}/codes`]: { dtype: 'U8', shape: [codes.length], data: codes.slice() },
      [`${name}/scales`]: { dtype: 'F32', shape: [scales.length], data: bytes.slice() },
    };
  }

  /** Shapes of `tensors` are these; the caller has looked. */
  load(name: string, tensors: Readonly<Record<string, HostTensor>>): void {
    this.codes.set(tensors[`${name}/codes`]!.data);
    this.scales.set(new Float32Array(tensors[`${name}/scales`]!.data.slice().buffer));
  }
}
