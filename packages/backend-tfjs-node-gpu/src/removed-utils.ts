// SPDX-License-Identifier: Apache-2.0

/**
 * Node.js 23 removed `util.isNullOrUndefined` and `util.isArray`, which tfjs-node-gpu 4.22 still calls
 * (tensorflow/tfjs#8425 mends it, unreleased). Gives back those that are missing.
 */
export function restoreRemovedUtils(util: Record<string, unknown>): void {
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;
}
