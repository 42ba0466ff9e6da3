// SPDX-License-Identifier: Apache-2.0
/**
 * The blocks of GGUF files, kept as they are: a row is a run of whole blocks. Layouts and rounding as ggml defines them
 * (ggml-common.h, ggml-quants.c) and the gguf package 0.19 computes them; d and m are halves, q codes.
 */
import type { WeightFormat } from '@llmf/nn';
import { halfAt, putHalf } from './halves.js';
import { layoutErrors } from './layouts/layout-errors.js';

/** How one block becomes numbers, and back where that takes no search. */
interface BlockKind {
  readonly name: string;
  readonly description: string;
  /** Weights of a block. */
  readonly weights: number;
  readonly bytes: number;
  /** Writes the weights of the block at `at` from `into[to]` on. */
  expand(blocks: Uint8Array, at: number, into: Float32Array, to: number): void;
  /** Writes the block of `weights` values. */
  pack?(values: Float32Array, blocks: Uint8Array, at: number): void;
}

const { fround, trunc } = Math;

/** 32 bytes of codes: d · q */
const q8_0: BlockKind = {
  name: 'q8_0',
  description: '8.5 bits a weight: GGUF blocks of 32 with a scale',
  weights: 32,
  bytes: 34,
  expand(blocks, at, into, to) {
    const d = halfAt(blocks, at);
    for (let i = 0; i < 32; i++) into[to + i] = ((blocks[at + 2 + i]! << 24) >> 24) * d;
  },
  pack(values, blocks, at) {
    const d = fround(largest(values) / 127);
    const inverse = inverseOf(d);
    putHalf(blocks, at, d);
    for (let i = 0; i < 32; i++) blocks[at + 2 + i] = roundAway(fround(values[i]! * inverse)) & 255;
  },
};

/** 16 bytes of codes, the first 16 weights in their lower halves: d · (q − 8) */
const q4_0: BlockKind = {
  name: 'q4_0',
  description: '4.5 bits a weight: GGUF blocks of 32 with a scale',
  weights: 32,
  bytes: 18,
  expand(blocks, at, into, to) {
    const d = halfAt(blocks, at);
    for (let i = 0; i < 16; i++) {
      const byte = blocks[at + 2 + i]!;
      into[to + i] = d * ((byte & 15) - 8);
      into[to + 16 + i] = d * ((byte >> 4) - 8);
    }
  },
  pack(values, blocks, at) {
    const d = fround(signedLargest(values) / -8);
    const inverse = inverseOf(d);
    putHalf(blocks, at, d);
    putNibbles(values, blocks, at + 2, (value) => trunc(fround(fround(value * inverse) + 8.5)));
  },
};

/** As q4_0: d · q + m */
const q4_1: BlockKind = {
  name: 'q4_1',
  description: '5 bits a weight: GGUF blocks of 32 with a scale and a least value',
  weights: 32,
  bytes: 20,
  expand(blocks, at, into, to) {
    const [d, m] = [halfAt(blocks, at), halfAt(blocks, at + 2)];
    for (let i = 0; i < 16; i++) {
      const byte = blocks[at + 4 + i]!;
      into[to + i] = d * (byte & 15) + m;
      into[to + 16 + i] = d * (byte >> 4) + m;
    }
  },
  pack(values, blocks, at) {
    const least = values.reduce((a, b) => Math.min(a, b));
    const most = values.reduce((a, b) => Math.max(a, b));
    const d = fround(fround(most - least) / 15);
    const inverse = inverseOf(d);
    putHalf(blocks, at, d);
    putHalf(blocks, at + 2, least);
    putNibbles(values, blocks, at + 4, (value) => trunc(fround(fround(fround(value - least) * inverse) + 0.5)));
  },
};

/** As q4_0 with a fifth bit of each code, from 4 bytes: d · (q − 16) */
const q5_0: BlockKind = {
  name: 'q5_0',
  description: '5.5 bits a weight: GGUF blocks of 32 with a scale',
  weights: 32,
  bytes: 22,
  expand(blocks, at, into, to) {
    const d = halfAt(blocks, at);
    for (let i = 0; i < 32; i++) into[to + i] = d * (fiveBits(blocks, at + 2, i) - 16);
  },
};

/** As q5_0: d · q + m */
const q5_1: BlockKind = {
  name: 'q5_1',
  description: '6 bits a weight: GGUF blocks of 32 with a scale and a least value',
  weights: 32,
  bytes: 24,
  expand(blocks, at, into, to) {
    const [d, m] = [halfAt(blocks, at), halfAt(blocks, at + 2)];
    for (let i = 0; i < 32; i++) into[to + i] = d * fiveBits(blocks, at + 4, i) + m;
  },
};

/** Eight runs of 32 with scales and least values of 6 bits: d·s · q − dₘ·m; two runs share 32 bytes, the first their lower halves. */
const q4_k: BlockKind = {
  name: 'q4_k',
  description: '4.5 bits a weight: GGUF blocks of 256, runs of 32 with scales in 6 bits',
  weights: 256,
  bytes: 144,
  expand(blocks, at, into, to) {
    for (let run = 0; run < 8; run++) {
      const { scale, least } = runScale(blocks, at, run);
      const codes = at + 16 + 32 * (run >> 1);
      const shift = 4 * (run & 1);
      for (let i = 0; i < 32; i++) into[to + 32 * run + i] = scale * ((blocks[codes + i]! >> shift) & 15) - least;
    }
  },
};

/** As q4_k with a fifth bit of each code, from 32 bytes before them. */
const q5_k: BlockKind = {
  name: 'q5_k',
  description: '5.5 bits a weight: GGUF blocks of 256, runs of 32 with scales in 6 bits',
  weights: 256,
  bytes: 176,
  expand(blocks, at, into, to) {
    for (let run = 0; run < 8; run++) {
      const { scale, least } = runScale(blocks, at, run);
      const codes = at + 48 + 32 * (run >> 1);
      const shift = 4 * (run & 1);
      for (let i = 0; i < 32; i++) {
        const fifth = ((blocks[at + 16 + i]! >> run) & 1) << 4;
        into[to + 32 * run + i] = scale * (((blocks[codes + i]! >> shift) & 15) | fifth) - least;
      }
    }
  },
};

/** 16 runs of 16 with signed scales of 8 bits, codes of 6 bits in two parts: d·s · (q − 32) */
const q6_k: BlockKind = {
  name: 'q6_k',
  description: '6.6 bits a weight: GGUF blocks of 256, runs of 16 with scales in 8 bits',
  weights: 256,
  bytes: 210,
  expand(blocks, at, into, to) {
    const d = halfAt(blocks, at + 208);
    for (let i = 0; i < 256; i++) {
      const [half, within] = [i >> 7, i & 127];
      const low = (blocks[at + 64 * half + (within & 63)]! >> (within < 64 ? 0 : 4)) & 15;
      const high = (blocks[at + 128 + 32 * half + (within & 31)]! >> (2 * (within >> 5))) & 3;
      const scale = d * ((blocks[at + 192 + (i >> 4)]! << 24) >> 24);
      into[to + i] = scale * ((low | (high << 4)) - 32);
    }
  },
};

/** The formats of GGUF blocks that llmf reads. */
export const ggufBlocks: readonly WeightFormat[] = [q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k].map(formatOf);

function formatOf({ name, description, weights, bytes, expand, pack }: BlockKind): WeightFormat {
  const bytesOf = (shape: readonly number[]) => (shape.reduce((product, size) => product * size, 1) / weights) * bytes;
  return {
    name,
    description,
    blocks: { weights, bytes },
    refuses(shape) {
      if (pack === undefined) return 'llmf reads it from GGUF files and does not make it';
      const columns = shape.at(-1)!;
      return columns % weights === 0 ? null : `its rows of ${columns} are no whole blocks of ${weights}`;
    },
    pack(values, shape) {
      if (pack === undefined) throw layoutErrors.readOnly({ format: name });
      const blocks = new Uint8Array(bytesOf(shape));
      for (let block = 0; block * weights < values.length; block++) {
        pack(values.subarray(block * weights, (block + 1) * weights), blocks, block * bytes);
      }
      return { blocks };
    },
    expand({ parts, shape }, from, to, into) {
      const blocks = parts['blocks'] as Uint8Array;
      const perRow = shape.slice(1).reduce((product, size) => product * size, 1) / weights;
      const first = from * perRow;
      for (let block = first; block < to * perRow; block++)
        expand(blocks, block * bytes, into, (block - first) * weights);
    },
    bytes: bytesOf,
  };
}

/** Scale and least value of one of eight runs: 6 bits each in 12 bytes, the upper bits of the last four apart. */
function runScale(blocks: Uint8Array, at: number, run: number): { readonly scale: number; readonly least: number } {
  const six = (place: number) => blocks[at + 4 + place]!;
  const [scale, least] =
    run < 4
      ? [six(run) & 63, six(run + 4) & 63]
      : [(six(run + 4) & 15) | ((six(run - 4) >> 6) << 4), (six(run + 4) >> 4) | ((six(run) >> 6) << 4)];
  return { scale: halfAt(blocks, at) * scale, least: halfAt(blocks, at + 2) * least };
}

/** Code `i` of 32: its fifth bit from 4 bytes at `at`, the others from the 16 after them. */
function fiveBits(blocks: Uint8Array, at: number, i: number): number {
  const low = (blocks[at + 4 + (i & 15)]! >> (i < 16 ? 0 : 4)) & 15;
  return low | (((blocks[at + (i >> 3)]! >> (i & 7)) & 1) << 4);
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The value of the largest size, the first of several. */
const signedLargest = (values: Float32Array): number =>
  values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);

/** 0 where the scale is too small to be inverted: the half that is kept is 0 then. */
function inverseOf(scale: number): number {
  const inverse = fround(1 / scale);
  return Number.isFinite(inverse) ? inverse : 0;
}

/** The nearest integer, away from zero where two are as near. */
const roundAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

function putNibbles(values: Float32Array, blocks: Uint8Array, at: number, codeOf: (value: number) => number): void {
  const code = (i: number) => Math.max(0, Math.min(15, codeOf(values[i]!)));
  for (let i = 0; i < 16; i++) blocks[at + i] = code(i) | (code(i + 16) << 4);
}
