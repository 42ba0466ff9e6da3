// SPDX-License-Identifier: Apache-2.0

type Point = readonly [x: number, y: number];

/**
 * Exponential moving average without the pull towards its start (the weights of what was seen sum to one). The window
 * is a twentieth of the points, at least 5.
 */
export function smoothed(points: readonly Point[]): Point[] {
  const window = Math.max(5, points.length / 20);
  const keep = 1 - 2 / (window + 1);
  let sum = 0;
  let weight = 0;
  return points.map(([x, y]) => {
    sum = keep * sum + (1 - keep) * y;
    weight = keep * weight + (1 - keep);
    return [x, sum / weight];
  });
}
