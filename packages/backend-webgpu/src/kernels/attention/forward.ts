// SPDX-License-Identifier: Apache-2.0
import { defineProgram } from '../../backend/program.js';
import { biasTerm, numbers, spanFunctions, threads, type Tiling } from './shader.js';

/**
 * A group: a block of queries of one span under one head. It goes through the keys that they see, a tile at a time, with a
 * running maximum and sum (Dao et al., "FlashAttention", 2022, algorithm 1). Lanes of a query share its tile of scores and
 * each hold some of its D outputs.
 */
export function forwardProgram({ queries, keys, size, bias }: Tiling) {
  const lanes = threads / queries;
  const held = Math.ceil(size / lanes);
  return defineProgram({
    name: `attention ${queries} ${keys} ${size} ${bias}`,
    reads: { q: 'f32', k: 'f32', v: 'f32', table: 'i32', ...(bias ? { bias: 'f32' } : {}) } as Record<
      string,
      'f32' | 'i32'
    >,
    writes: { outputs: 'f32', logSumExp: 'f32' },
    numbers,
    workgroup: threads,
    before: `
const hidden = -3.0e38;
var<workgroup> queryTile: array<f32, ${queries * size}>;
var<workgroup> keyTile: array<f32, ${keys * size}>;
var<workgroup> scores: array<f32, ${queries * keys}>;
var<workgroup> shares: array<f32, ${queries * keys}>;
${spanFunctions(bias)}`,
    code: `
  let head = group % n.heads;
  let keyHead = head / (n.heads / n.groupsOfHeads);
  let block = afterSpans() + 2 * i32(group / n.heads);
  let s = spanAt(table[block]);
  let first = table[block + 1];
  let count = min(${queries}, s.queryLength - first);
  let mine = i32(thread / ${lanes}u);
  let lane = thread % ${lanes}u;
  let query = first + mine;
  for (var e = thread; e < ${queries * size}u; e += ${threads}u) {
    let i = i32(e / ${size}u);
    var value = 0.0;
    if (i < count) { value = q[(u32(s.queryStart + first + i) * n.heads + head) * ${size}u + e % ${size}u]; }
    queryTile[e] = value;
  }
  var most = hidden;
  var total = 0.0;
  var sums: array<f32, ${held}>;
  let end = endSeen(s, first + count - 1);
  for (var j0 = firstSeen(s, first) / ${keys} * ${keys}; j0 < end; j0 += ${keys}) {
    for (var e = thread; e < ${keys * size}u; e += ${threads}u) {
      let key = j0 + i32(e / ${size}u);
      var value = 0.0;
      if (key < end) { value = k[(u32(rowOf(s, key)) * n.groupsOfHeads + keyHead) * ${size}u + e % ${size}u]; }
      keyTile[e] = value;
    }
    workgroupBarrier();
    for (var j = lane; j < ${keys}u; j += ${lanes}u) {
      let key = j0 + i32(j);
      var score = hidden;
      if (mine < count && sees(s, query, key)) {
        var dot = 0.0;
        for (var d = 0u; d < ${size}u; d++) { dot = fma(queryTile[u32(mine) * ${size}u + d], keyTile[j * ${size}u + d], dot); }
        score = capped(dot * n.scale)${biasTerm(bias, 'head')};
      }
      scores[u32(mine) * ${keys}u + j] = score;
    }
    workgroupBarrier();
    var now = most;
    for (var j = 0u; j < ${keys}u; j++) { now = max(now, scores[u32(mine) * ${keys}u + j]); }
    for (var j = lane; j < ${keys}u; j += ${lanes}u) {
      let score = scores[u32(mine) * ${keys}u + j];
      shares[u32(mine) * ${keys}u + j] = select(exp(score - now), 0.0, score == hidden);
    }
    for (var e = thread; e < ${keys * size}u; e += ${threads}u) {
      let key = j0 + i32(e / ${size}u);
      var value = 0.0;
      if (key < end) { value = v[(u32(rowOf(s, key)) * n.groupsOfHeads + keyHead) * ${size}u + e % ${size}u]; }
      keyTile[e] = value;
    }
    workgroupBarrier();
    let kept = exp(most - now);
    total *= kept;
    for (var c = 0u; c < ${held}u; c++) { sums[c] *= kept; }
    for (var j = 0u; j < ${keys}u; j++) {
      let share = shares[u32(mine) * ${keys}u + j];
      total += share;
      for (var c = 0u; c < ${held}u; c++) {
        let d = lane + c * ${lanes}u;
        if (d < ${size}u) { sums[c] = fma(share, keyTile[j * ${size}u + d], sums[c]); }
      }
    }
    most = now;
    workgroupBarrier();
  }
  if (mine < count) {
    let place = u32(s.queryStart + query) * n.heads + head;
    for (var c = 0u; c < ${held}u; c++) {
      let d = lane + c * ${lanes}u;
      if (d < ${size}u) { outputs[place * ${size}u + d] = sums[c] / total; }
    }
    if (lane == 0u) { logSumExp[place] = most + log(total); }
  }`,
  });
}
