// SPDX-License-Identifier: Apache-2.0
import type { AttentionAttributes } from '@llmf/nn';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import type { TensorInfo } from '../define-kernel.js';
import { spanWords } from './tables.js';

export const threads = 64;

/** How a pass is cut: queries and keys of a tile, and what the shader is made for. */
export interface Tiling {
  readonly queries: number;
  readonly keys: number;
  readonly size: number; // D
  readonly bias: boolean;
}

const sizes = [
  [16, 16],
  [8, 16],
  [8, 8],
  [4, 8],
  [4, 4],
] as const;

/**
 * The largest tiles that fit in a group's memory. The keys of a tile decide in which order a row is summed, so they follow
 * from the head's size and the GPU alone.
 *
 * @param copies tiles of queries and of keys that the pass holds
 */
export function tilingOf(size: number, copies: 1 | 2, bias: boolean, backend: TrainingWebGpuBackend): Tiling {
  const limit = backend.device.limits.maxComputeWorkgroupStorageSize;
  const bytes = ([q, k]: readonly [number, number]) => 4 * (copies * size * (q + k) + 2 * q * k) + 64;
  const [queries, keys] = sizes.find((tile) => bytes(tile) <= limit) ?? sizes.at(-1)!;
  return { queries, keys, size, bias };
}

export const numbers = {
  heads: 'u32',
  groupsOfHeads: 'u32',
  window: 'u32',
  scale: 'f32',
  softCap: 'f32',
  biasByKey: 'u32',
  biasZero: 'u32',
  entries: 'u32',
} as const;

/** H query heads, G key heads. */
export function numbersOf(
  attributes: AttentionAttributes,
  heads: number,
  groups: number,
  bias: TensorInfo | undefined,
): Record<keyof typeof numbers, number> {
  return {
    heads,
    groupsOfHeads: groups,
    window: attributes.window,
    scale: attributes.scale,
    softCap: attributes.softCap,
    biasByKey: attributes.bias?.by === 'key' ? 1 : 0,
    biasZero: attributes.bias?.zero ?? 0,
    entries: bias?.shape[1] ?? 1,
  };
}

/**
 * WGSL: spans as the table has them, and what a query sees. Keys of a span are numbered in one row, its prefix first;
 * `numberOf` is the number that a query has among them.
 */
export const spanFunctions = (bias: boolean): string => `
struct Span {
  queryStart: i32, queryLength: i32, keyStart: i32, keyLength: i32, prefixStart: i32, prefixLength: i32, causal: i32,
}

fn spanAt(index: i32) -> Span {
  let at = 1 + index * ${spanWords};
  return Span(table[at], table[at + 1], table[at + 2], table[at + 3], table[at + 4], table[at + 5], table[at + 6]);
}

fn afterSpans() -> i32 { return 1 + table[0] * ${spanWords}; }

fn numberOf(s: Span, query: i32) -> i32 { return s.prefixLength + query + s.keyLength - s.queryLength; }

fn firstSeen(s: Span, query: i32) -> i32 {
  if (n.window == 0u) { return 0; }
  return max(0, numberOf(s, query) - i32(n.window) + 1);
}

fn endSeen(s: Span, query: i32) -> i32 {
  let number = numberOf(s, query);
  let all = s.prefixLength + s.keyLength;
  if (s.causal == 1) { return min(all, number + 1); }
  if (n.window == 0u) { return all; }
  return min(all, number + i32(n.window));
}

/** A scaled product under the soft cap c, 0 for none: c · tanh(x / c). tanh overflows on some GPUs for large arguments. */
fn capped(x: f32) -> f32 {
  if (n.softCap == 0.0) { return x; }
  return n.softCap * tanh(clamp(x / n.softCap, -15.0, 15.0));
}

/** The slope of the cap, of what it gave. */
fn capSlope(score: f32) -> f32 {
  if (n.softCap == 0.0) { return 1.0; }
  let share = score / n.softCap;
  return 1.0 - share * share;
}

fn sees(s: Span, query: i32, key: i32) -> bool { return key >= firstSeen(s, query) && key < endSeen(s, query); }

/** The row of a key in the packed keys. */
fn rowOf(s: Span, key: i32) -> i32 {
  return select(s.keyStart + key - s.prefixLength, s.prefixStart + key, key < s.prefixLength);
}
${
  bias
    ? `
fn biasOf(s: Span, head: u32, query: i32, key: i32) -> f32 {
  let entry = select(i32(n.biasZero) - numberOf(s, query) + key, key, n.biasByKey == 1u);
  return bias[head * n.entries + u32(entry)];
}`
    : ''
}`;

/** What a score has added. */
export const biasTerm = (bias: boolean, head: string): string => (bias ? ` + biasOf(s, ${head}, query, key)` : '');
