// SPDX-License-Identifier: Apache-2.0
import { defineProgram, type Program } from '../../backend/program.js';

/** What a product's shader is made for. */
export interface ProductVariant {
  /** Few rows take a tile of 16, so that a decoded token does not pay for 64. */
  readonly tileRows: 16 | 64;
  /** Neighbours in memory: along the sum, or along the rows of a and the columns of b. */
  readonly aAlongSum: boolean;
  readonly bAlongSum: boolean;
  /** Elements of b. */
  readonly format: 'f32' | 'bf16';
  readonly bias: boolean;
  /** Added to what c holds. */
  readonly adds: boolean;
  /** A mask of the layout of a factor, by which that is multiplied, or of c's, by which the product is. */
  readonly mask: 'a' | 'b' | 'c' | null;
}

export const tileColumns = 64;
const depth = 16;
/** 16 × 16 invocations, each with 4 columns and 1 or 4 rows. */
const threads = 256;

const numbers = {
  rows: 'u32',
  columns: 'u32',
  inner: 'u32',
  tilesDown: 'u32',
  tilesAcross: 'u32',
  aStart: 'u32',
  aRow: 'u32',
  aInner: 'u32',
  aBatch: 'u32',
  bStart: 'u32',
  bInner: 'u32',
  bColumn: 'u32',
  bBatch: 'u32',
  cStart: 'u32',
  cRow: 'u32',
  cBatch: 'u32',
  biasStart: 'u32',
  factor: 'f32',
} as const;

export type ProductProgram = Program<string, 'c', keyof typeof numbers>;

const known = new Map<string, ProductProgram>();

/**
 * c[i, j] = factor · Σ_k a[i, k] b[k, j] (+ bias[j]) (+ c[i, j]), tiles of both in the group's memory. Each value is one
 * chain of fused multiply-adds in order of k: it depends neither on the other rows nor on the tile.
 */
export function productProgram(variant: ProductVariant): ProductProgram {
  const name = `product ${Object.values(variant).join(' ')}`;
  const program = known.get(name) ?? made(name, variant);
  known.set(name, program);
  return program;
}

function made(name: string, variant: ProductVariant): ProductProgram {
  const { tileRows, aAlongSum, bAlongSum, format, bias, adds, mask } = variant;
  const each = tileRows / 16;
  const aPlace = aAlongSum
    ? `let k = e % ${depth}u; let i = e / ${depth}u;`
    : `let i = e % ${tileRows}u; let k = e / ${tileRows}u;`;
  const bPlace = bAlongSum
    ? `let k = e % ${depth}u; let j = e / ${depth}u;`
    : `let j = e % ${tileColumns}u; let k = e / ${tileColumns}u;`;
  const reads: Record<string, 'f32' | 'u32'> = { a: 'f32', b: format === 'bf16' ? 'u32' : 'f32' };
  if (bias) reads['bias'] = 'f32';
  if (mask !== null) reads['mask'] = 'f32';
  return defineProgram({
    name,
    reads,
    writes: { c: 'f32' },
    numbers,
    workgroup: threads,
    before: `
var<workgroup> aTile: array<f32, ${tileRows * depth}>;
var<workgroup> bTile: array<f32, ${tileColumns * depth}>;
${valueOfB(format)}`,
    code: `
  let across = group % n.tilesAcross;
  let down = (group / n.tilesAcross) % n.tilesDown;
  let batch = group / (n.tilesAcross * n.tilesDown);
  let firstRow = down * ${tileRows}u;
  let firstColumn = across * ${tileColumns}u;
  let aFrom = n.aStart + batch * n.aBatch;
  let bFrom = n.bStart + batch * n.bBatch;
  let cFrom = n.cStart + batch * n.cBatch;
  let ti = thread / 16u;
  let tj = thread % 16u;
  var sums: array<vec4<f32>, ${each}>;
  for (var k0 = 0u; k0 < n.inner; k0 += ${depth}u) {
    for (var e = thread; e < ${tileRows * depth}u; e += ${threads}u) {
      ${aPlace}
      var value = 0.0;
      if (firstRow + i < n.rows && k0 + k < n.inner) {
        let at = aFrom + (firstRow + i) * n.aRow + (k0 + k) * n.aInner;
        value = a[at]${mask === 'a' ? ' * mask[at]' : ''};
      }
      aTile[k * ${tileRows}u + i] = value;
    }
    for (var e = thread; e < ${tileColumns * depth}u; e += ${threads}u) {
      ${bPlace}
      var value = 0.0;
      if (firstColumn + j < n.columns && k0 + k < n.inner) {
        let at = bFrom + (k0 + k) * n.bInner + (firstColumn + j) * n.bColumn;
        value = valueOfB(at)${mask === 'b' ? ' * mask[at]' : ''};
      }
      bTile[k * ${tileColumns}u + j] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < ${depth}u; k++) {
      let at = k * ${tileColumns}u + tj * 4u;
      let four = vec4<f32>(bTile[at], bTile[at + 1u], bTile[at + 2u], bTile[at + 3u]);
${lines(each, (i) => `      sums[${i}] = fma(vec4<f32>(aTile[k * ${tileRows}u + ti * ${each}u + ${i}u]), four, sums[${i}]);`)}
    }
    workgroupBarrier();
  }
${lines(
  each,
  (i) => `  for (var j = 0u; j < 4u; j++) {
    let row = firstRow + ti * ${each}u + ${i}u;
    let column = firstColumn + tj * 4u + j;
    if (row < n.rows && column < n.columns) {
      let at = cFrom + row * n.cRow + column;
      c[at] = sums[${i}][j] * n.factor${mask === 'c' ? ' * mask[at]' : ''}${bias ? ' + bias[n.biasStart + column]' : ''}${adds ? ' + c[at]' : ''};
    }
  }`,
)}`,
  });
}

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** bf16 values lie two in a word, the first in its low half. */
export const valueOfB = (format: 'f32' | 'bf16', buffer = 'b', name = 'valueOfB'): string =>
  format === 'f32'
    ? `fn ${name}(at: u32) -> f32 { return ${buffer}[at]; }`
    : `fn ${name}(at: u32) -> f32 {
  let word = ${buffer}[at / 2u];
  return bitcast<f32>(select(word << 16u, word & 0xffff0000u, at % 2u == 1u));
}`;
