// SPDX-License-Identifier: Apache-2.0

/** How two shapes meet: the result's shape, and axes collapsed where both operands run on or both repeat. */
export interface Broadcast {
  readonly shape: readonly number[];
  readonly sizes: Int32Array;
  readonly aStrides: Int32Array;
  readonly bStrides: Int32Array;
}

/** null when the shapes do not go together. */
export function broadcast(a: readonly number[], b: readonly number[]): Broadcast | null {
  if (areEqual(a, b)) return { shape: a, sizes: Int32Array.of(sizeOf(a)), aStrides: one, bStrides: one };
  const rank = Math.max(a.length, b.length);
  const left = padded(a, rank);
  const right = padded(b, rank);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const [m, n] = [left[axis]!, right[axis]!];
    if (m !== n && m !== 1 && n !== 1) return null;
    shape.push(m === 1 ? n : m);
  }
  return { shape, ...collapsed(shape, left, right) };
}

/** Equal shapes, as sums and products mostly have, are one axis. */
const one = Int32Array.of(1);

function areEqual(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

const padded = (shape: readonly number[], rank: number): number[] => [
  ...Array.from({ length: rank - shape.length }, () => 1),
  ...shape,
];

function collapsed(shape: readonly number[], a: readonly number[], b: readonly number[]): Omit<Broadcast, 'shape'> {
  const axes: { size: number; inA: boolean; inB: boolean }[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const [inA, inB] = [a[axis] !== 1, b[axis] !== 1];
    const before = axes.at(-1);
    if (before?.inA === inA && before.inB === inB) before.size *= size;
    else axes.push({ size, inA, inB });
  }
  if (axes.length === 0) axes.push({ size: 1, inA: true, inB: true });
  const strides = (which: 'inA' | 'inB') => {
    let stride = 1;
    const result = new Int32Array(axes.length);
    for (let i = axes.length - 1; i >= 0; i--) {
      if (!axes[i]![which]) continue;
      result[i] = stride;
      stride *= axes[i]!.size;
    }
    return result;
  };
  return { sizes: Int32Array.from(axes, ({ size }) => size), aStrides: strides('inA'), bStrides: strides('inB') };
}
