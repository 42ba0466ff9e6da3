// SPDX-License-Identifier: Apache-2.0
/** Small dense algebra in double precision, on the host. Matrices are arrays of columns. */
export type Columns = readonly Float64Array[];

/**
 * An orthonormal basis of what the columns span, in their order: Gram–Schmidt, each column cleaned twice ("twice is
 * enough", Giraud et al., 2005). A column that adds nothing becomes zero.
 */
export function orthonormal(columns: Columns): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const column of columns) {
    const rest = Float64Array.from(column);
    const before = norm(rest);
    for (let pass = 0; pass < 2; pass++) {
      for (const known of basis) addScaled(rest, known, -dot(known, rest));
    }
    const length = norm(rest);
    basis.push(length > 1e-12 * before ? rest.map((value) => value / length) : new Float64Array(rest.length));
  }
  return basis;
}

/**
 * Eigenvalues, descending, and eigenvectors of a symmetric matrix, by Jacobi's rotations (Golub and Van Loan, "Matrix
 * computations", section 8.5.3, cyclic by rows).
 */
export function symmetricEigen(matrix: Columns): { readonly values: number[]; readonly vectors: Float64Array[] } {
  const size = matrix.length;
  const a = matrix.map((column) => Float64Array.from(column));
  const vectors = a.map((_, i) => Float64Array.from({ length: size }, (_value, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60 && offDiagonal(a) > 1e-28 * total(a); sweep++) {
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, vectors, p, q);
  }
  const order = [...a.keys()].toSorted((i, j) => a[j]![j]! - a[i]![i]!);
  return { values: order.map((i) => a[i]![i]!), vectors: order.map((i) => vectors[i]!) };
}

/** The rotation of rows and columns p and q after which a_pq is zero. */
function rotate(a: Float64Array[], vectors: Float64Array[], p: number, q: number): void {
  const [app, aqq, apq] = [a[p]![p]!, a[q]![q]!, a[p]![q]!];
  if (apq === 0) return;
  const tau = (aqq - app) / (2 * apq);
  const t = Math.sign(tau || 1) / (Math.abs(tau) + Math.hypot(1, tau));
  const c = 1 / Math.hypot(1, t);
  const s = t * c;
  turn(a[p]!, a[q]!, c, s);
  for (const column of a) {
    const [xp, xq] = [column[p]!, column[q]!];
    column[p] = c * xp - s * xq;
    column[q] = s * xp + c * xq;
  }
  turn(vectors[p]!, vectors[q]!, c, s);
}

function turn(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let i = 0; i < x.length; i++) {
    const [xi, yi] = [x[i]!, y[i]!];
    x[i] = c * xi - s * yi;
    y[i] = s * xi + c * yi;
  }
}

const total = (a: Columns): number => a.reduce((sum, column) => sum + dot(column, column), 0);
const offDiagonal = (a: Columns): number => a.reduce((sum, column, i) => sum - column[i]! ** 2, total(a));

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Σ columns[i] · factors[i] */
export function combined(columns: Columns, factors: ArrayLike<number>): Float64Array {
  const sum = new Float64Array(columns[0]!.length);
  for (const [i, column] of columns.entries()) addScaled(sum, column, factors[i]!);
  return sum;
}

const norm = (x: Float64Array): number => Math.sqrt(dot(x, x));

function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * from[i]!;
}
