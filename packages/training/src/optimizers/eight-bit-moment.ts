// SPDX-License-Identifier: Apache-2.0
import type { HostTensor } from '@llmf/core';
import { expandDynamic, packDynamic, type DynamicBlocks, type DynamicCodes } from '@llmf/nn';

/** Numbers that share a scale, their largest magnitude (Dettmers et al., 2022: 2048; bitsandbytes since 0.44: 256). */
const blockSize = 256;

/** Bytes of a number in it. */
export const eightBitBytes = 1 + 4 / blockSize;

/** What an optimizer remembers of a variable, as 8-bit codes in blocks: value ≈ book[code] · scale. */
export class EightBitMoment {
  private readonly blocks: DynamicBlocks;

  constructor(size: number, kind: DynamicCodes) {
    const codes = new Uint8Array(size).fill(kind.codeOf(0));
    this.blocks = { kind, blockSize, codes, scales: new Float32Array(Math.ceil(size / blockSize)) };
  }

  expand(): Float32Array {
    const values = new Float32Array(this.blocks.codes.length);
    expandDynamic(this.blocks, values);
    return values;
  }

  pack(values: Float32Array): void {
    packDynamic(values, this.blocks);
  }

  /** For a checkpoint; not copied. */
  tensors(name: string): Record<string, HostTensor> {
    const { codes, scales } = this.blocks;
    const bytes = new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength);
    return {
      [`${name}/codes`]: { dtype: 'U8', shape: [codes.length], data: codes.slice() },
      [`${name}/scales`]: { dtype: 'F32', shape: [scales.length], data: bytes.slice() },
    };
  }

  /** Shapes of `tensors` are these; the caller has looked. */
  load(name: string, tensors: Readonly<Record<string, HostTensor>>): void {
    this.blocks.codes.set(tensors[`${name}/codes`]!.data);
    this.blocks.scales.set(new Float32Array(tensors[`${name}/scales`]!.data.slice().buffer));
  }
}
