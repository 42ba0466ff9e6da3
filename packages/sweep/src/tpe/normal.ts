// SPDX-License-Identifier: Apache-2.0
/** The normal distribution in double precision. */

/**
 * erfc(x) for x ≥ 0 times e^(x²): a series of erf below 2, the continued fraction of erfc above
 * (Abramowitz and Stegun, 7.1.6 and 7.1.14).
 */
function scaledErfc(x: number): number {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 60; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
      if (term < 1e-17 * sum) break;
    }
    return Math.exp(x * x) - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return 1 / (fraction * Math.sqrt(Math.PI));
}

/** Φ(x). */
export function normalBelow(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const tail = 0.5 * scaledErfc(z) * Math.exp(-z * z);
  return x < 0 ? tail : 1 - tail;
}

/** log(Φ(b) − Φ(a)), a < b; in the tails relative to the nearer end, so that nothing underflows. */
export function logMass(a: number, b: number): number {
  if (a > 0) return logMass(-b, -a);
  if (b > 0) return Math.log1p(-normalBelow(a) - normalBelow(-b));
  const [near, far] = [-b / Math.SQRT2, -a / Math.SQRT2];
  const difference = scaledErfc(near) - (far === Infinity ? 0 : scaledErfc(far) * Math.exp(near * near - far * far));
  return Math.log(0.5 * difference) - near * near;
}

/** Φ⁻¹(p), 0 < p < 1: Acklam's rational approximation, then two steps of Halley's method. */
export function inverseNormal(p: number): number {
  if (p > 0.5) return -inverseNormal(1 - p);
  let x = start(p);
  for (let i = 0; i < 2; i++) {
    const u = (normalBelow(x) - p) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2);
    x -= u / (1 + (x * u) / 2);
  }
  return x;
}

/** P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function", 2003; p ≤ 1/2. */
function start(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(c, q) / polynomial(d, q);
  }
  const q = p - 0.5;
  return (polynomial(a, q * q) * q) / polynomial(b, q * q);
}

const polynomial = (factors: readonly number[], x: number): number =>
  factors.reduce((sum, factor) => sum * x + factor, 0);
