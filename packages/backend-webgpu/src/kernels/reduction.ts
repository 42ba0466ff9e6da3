// SPDX-License-Identifier: Apache-2.0

/** Threads of a group that reduces one row. */
export const rowThreads = 64;

/** WGSL: `sumOf(thread, value)`, the sum over a group's threads, always in the same order, for all of them. */
export const groupSum = `
var<workgroup> parts: array<f32, ${rowThreads}>;

fn sumOf(thread: u32, value: f32) -> f32 {
  parts[thread] = value;
  workgroupBarrier();
  for (var width = ${rowThreads / 2}u; width > 0u; width /= 2u) {
    if (thread < width) { parts[thread] += parts[thread + width]; }
    workgroupBarrier();
  }
  let sum = parts[0];
  workgroupBarrier();
  return sum;
}
`;
