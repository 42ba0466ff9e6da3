// SPDX-License-Identifier: Apache-2.0

/**
 * The straight line through points (x, y) with the least squares.
 *
 * @returns its value at 0, its slope, and the point that lies farthest from it as a share of the line's value there
 */
export function linearFit(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  const slope = covariance / mean(points.map(([x]) => (x - meanX) ** 2));
  const atZero = meanY - slope * meanX;
  const deviations = points.map(([x, y]) => ({ x, share: y / (atZero + slope * x) - 1 }));
  const farthest = deviations.reduce((most, one) => (Math.abs(one.share) > Math.abs(most.share) ? one : most));
  return { atZero, slope, farthest };
}
