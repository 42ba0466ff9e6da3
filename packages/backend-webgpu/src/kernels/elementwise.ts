// SPDX-License-Identifier: Apache-2.0

/** Threads of a group where every value is computed by itself. */
export const elementThreads = 256;

/** WGSL: `at`, the place of this thread's value among `n.size`. */
export const eachElement = `
  let at = group * ${elementThreads}u + thread;
  if (at >= n.size) { return; }`;

/** How a call over `size` values is cut into groups. */
export const elementGroups = (size: number): { readonly groups: number; readonly groupWork: number } => ({
  groups: Math.ceil(size / elementThreads),
  groupWork: 16 * elementThreads,
});
