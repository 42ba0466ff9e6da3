// SPDX-License-Identifier: Apache-2.0
/**
 * With P recomputed from logSumExp and Δ = Σ_d dO ∘ O: dV = Pᵀ dO, dS = P ∘ (dO Vᵀ − Δ), dQ = scale · dS K,
 * dK = scale · dSᵀ Q (Dao et al., "FlashAttention", 2022, appendix B.2). `stats` holds logSumExp and Δ of each query.
 */
import { defineProgram } from '../../backend/program.js';
import { eachElement, elementThreads } from '../elementwise.js';
import { biasTerm, numbers, spanFunctions, threads, type Tiling } from './shader.js';

const reads = (bias: boolean) =>
  ({
    q: 'f32',
    k: 'f32',
    v: 'f32',
    dy: 'f32',
    stats: 'f32',
    table: 'i32',
    ...(bias ? { bias: 'f32' } : {}),
  }) as Record<string, 'f32' | 'i32'>;

export const statsProgram = defineProgram({
  name: 'attention-stats',
  reads: { dy: 'f32', y: 'f32', logSumExp: 'f32' },
  writes: { stats: 'f32' },
  numbers: { size: 'u32', width: 'u32' },
  workgroup: elementThreads,
  code: `${eachElement}
  var delta = 0.0;
  for (var d = 0u; d < n.width; d++) { delta = fma(dy[at * n.width + d], y[at * n.width + d], delta); }
  stats[2u * at] = logSumExp[at];
  stats[2u * at + 1u] = delta;`,
});

const tiles = ({ queries, keys, size }: Tiling): string => `
var<workgroup> queryTile: array<f32, ${queries * size}>;
var<workgroup> slopeTile: array<f32, ${queries * size}>;
var<workgroup> keyTile: array<f32, ${keys * size}>;
var<workgroup> valueTile: array<f32, ${keys * size}>;
var<workgroup> slopes: array<f32, ${queries * keys}>;`;

/** P and dS (by the score before its soft cap) of one query and key, whose rows in the tiles are i and j. */
const scoreFunction = ({ size, bias }: Tiling): string => `
struct Score { share: f32, slope: f32 }

fn scoreOf(s: Span, head: u32, query: i32, key: i32, i: u32, j: u32) -> Score {
  var dot = 0.0;
  var against = 0.0;
  for (var d = 0u; d < ${size}u; d++) {
    dot = fma(queryTile[i * ${size}u + d], keyTile[j * ${size}u + d], dot);
    against = fma(slopeTile[i * ${size}u + d], valueTile[j * ${size}u + d], against);
  }
  let place = 2u * (u32(s.queryStart + query) * n.heads + head);
  let score = capped(dot * n.scale);
  let share = exp(score${biasTerm(bias, 'head')} - stats[place]);
  return Score(share, share * (against - stats[place + 1u]) * capSlope(score));
}`;

/** Loads a tile of queries and their dO from query `first` on. */
const loadQueries = ({ queries, size }: Tiling): string => `
    for (var e = thread; e < ${queries * size}u; e += ${threads}u) {
      let i = first + i32(e / ${size}u);
      let at = (u32(s.queryStart + i) * n.heads + head) * ${size}u + e % ${size}u;
      queryTile[e] = 0.0;
      slopeTile[e] = 0.0;
      if (i < s.queryLength) { queryTile[e] = q[at]; slopeTile[e] = dy[at]; }
    }`;

/** A group: a block of queries of one span under one head, through the keys they see. */
export function queryGradientProgram(tiling: Tiling) {
  const { queries, keys, size, bias } = tiling;
  const lanes = threads / queries;
  const held = Math.ceil(size / lanes);
  return defineProgram({
    name: `attention-dq ${queries} ${keys} ${size} ${bias}`,
    reads: reads(bias),
    writes: { dq: 'f32' },
    numbers,
    workgroup: threads,
    before: tiles(tiling) + spanFunctions(bias) + scoreFunction(tiling),
    code: `
  let head = group % n.heads;
  let keyHead = head / (n.heads / n.groupsOfHeads);
  let block = afterSpans() + 2 * i32(group / n.heads);
  let s = spanAt(table[block]);
  let first = table[block + 1];
  let count = min(${queries}, s.queryLength - first);
  let mine = i32(thread / ${lanes}u);
  let lane = thread % ${lanes}u;
${loadQueries(tiling)}
  var sums: array<f32, ${held}>;
  let end = endSeen(s, first + count - 1);
  for (var j0 = firstSeen(s, first) / ${keys} * ${keys}; j0 < end; j0 += ${keys}) {
    for (var e = thread; e < ${keys * size}u; e += ${threads}u) {
      let key = j0 + i32(e / ${size}u);
      keyTile[e] = 0.0;
      valueTile[e] = 0.0;
      if (key < end) {
        let at = (u32(rowOf(s, key)) * n.groupsOfHeads + keyHead) * ${size}u + e % ${size}u;
        keyTile[e] = k[at];
        valueTile[e] = v[at];
      }
    }
    workgroupBarrier();
    for (var j = lane; j < ${keys}u; j += ${lanes}u) {
      let key = j0 + i32(j);
      var slope = 0.0;
      if (mine < count && sees(s, first + mine, key)) { slope = scoreOf(s, head, first + mine, key, u32(mine), j).slope; }
      slopes[u32(mine) * ${keys}u + j] = slope;
    }
    workgroupBarrier();
    for (var j = 0u; j < ${keys}u; j++) {
      let slope = slopes[u32(mine) * ${keys}u + j];
      for (var c = 0u; c < ${held}u; c++) {
        let d = lane + c * ${lanes}u;
        if (d < ${size}u) { sums[c] = fma(slope, keyTile[j * ${size}u + d], sums[c]); }
      }
    }
    workgroupBarrier();
  }
  if (mine < count) {
    let place = (u32(s.queryStart + first + mine) * n.heads + head) * ${size}u;
    for (var c = 0u; c < ${held}u; c++) {
      let d = lane + c * ${lanes}u;
      if (d < ${size}u) { dq[place + d] = sums[c] * n.scale; }
    }
  }`,
  });
}

/** A group: a block of neighbouring keys under one key head, through every query that sees one of them, span by span. */
export function keyGradientProgram(tiling: Tiling) {
  const { queries, keys, size, bias } = tiling;
  const lanes = threads / keys;
  const held = Math.ceil(size / lanes);
  return defineProgram({
    name: `attention-dkv ${queries} ${keys} ${size} ${bias}`,
    reads: reads(bias),
    writes: { dk: 'f32', dv: 'f32' },
    numbers: { ...numbers, blocks: 'u32', keyRows: 'u32' },
    workgroup: threads,
    before: `${tiles(tiling)}
var<workgroup> shares: array<f32, ${queries * keys}>;
${spanFunctions(bias)}${scoreFunction(tiling)}`,
    code: `
  let keyHead = group % n.groupsOfHeads;
  let block = i32(group / n.groupsOfHeads);
  let row0 = block * ${keys};
  let mine = thread / ${lanes}u;
  let lane = thread % ${lanes}u;
  for (var e = thread; e < ${keys * size}u; e += ${threads}u) {
    let row = u32(row0) + e / ${size}u;
    let at = (row * n.groupsOfHeads + keyHead) * ${size}u + e % ${size}u;
    keyTile[e] = 0.0;
    valueTile[e] = 0.0;
    if (row < n.keyRows) { keyTile[e] = k[at]; valueTile[e] = v[at]; }
  }
  var ofKey: array<f32, ${held}>;
  var ofValue: array<f32, ${held}>;
  let lists = afterSpans();
  let entries = lists + i32(n.blocks) + 1;
  let perHead = n.heads / n.groupsOfHeads;
  for (var entry = table[lists + block]; entry < table[lists + block + 1]; entry++) {
    let s = spanAt(table[entries + 2 * entry]);
    let inPrefix = table[entries + 2 * entry + 1] == 1;
    // The number that the block's first row has, or would have, among the span's keys, and the numbers in the block.
    let number0 = select(s.prefixLength + row0 - s.keyStart, row0 - s.prefixStart, inPrefix);
    let low = max(number0, select(s.prefixLength, 0, inPrefix));
    let high = min(number0 + ${keys}, select(s.prefixLength + s.keyLength, s.prefixLength, inPrefix));
    for (var m = 0u; m < perHead; m++) {
      let head = keyHead * perHead + m;
      for (var first = 0; first < s.queryLength; first += ${queries}) {
        let last = min(first + ${queries}, s.queryLength) - 1;
        if (endSeen(s, last) <= low || firstSeen(s, first) >= high) { continue; }
        workgroupBarrier();
${loadQueries(tiling)}
        workgroupBarrier();
        for (var i = lane; i < ${queries}u; i += ${lanes}u) {
          let query = first + i32(i);
          let key = number0 + i32(mine);
          var score = Score(0.0, 0.0);
          if (query <= last && key >= low && key < high && sees(s, query, key)) {
            score = scoreOf(s, head, query, key, i, mine);
          }
          shares[i * ${keys}u + mine] = score.share;
          slopes[i * ${keys}u + mine] = score.slope;
        }
        workgroupBarrier();
        for (var i = 0u; i < ${queries}u; i++) {
          let share = shares[i * ${keys}u + mine];
          let slope = slopes[i * ${keys}u + mine];
          for (var c = 0u; c < ${held}u; c++) {
            let d = lane + c * ${lanes}u;
            if (d < ${size}u) {
              ofKey[c] = fma(slope, queryTile[i * ${size}u + d], ofKey[c]);
              ofValue[c] = fma(share, slopeTile[i * ${size}u + d], ofValue[c]);
            }
          }
        }
      }
    }
  }
  let row = u32(row0) + mine;
  if (row < n.keyRows) {
    let place = (row * n.groupsOfHeads + keyHead) * ${size}u;
    for (var c = 0u; c < ${held}u; c++) {
      let d = lane + c * ${lanes}u;
      if (d < ${size}u) {
        dk[place + d] = ofKey[c] * n.scale;
        dv[place + d] = ofValue[c];
      }
    }
  }`,
  });
}
