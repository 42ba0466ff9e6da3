// SPDX-License-Identifier: Apache-2.0
import { defineProgram } from '../../backend/program.js';
import { numbers, spanFunctions, threads } from './shader.js';

/** An invocation for each entry of the bias [H, N]: it goes through the queries of all spans, whose dS it computes again. */
export const biasGradientProgram = (size: number) =>
  defineProgram({
    name: `attention-dbias ${size}`,
    reads: { q: 'f32', k: 'f32', v: 'f32', dy: 'f32', stats: 'f32', table: 'i32', bias: 'f32' },
    writes: { dBias: 'f32' },
    numbers,
    workgroup: threads,
    before: spanFunctions(true),
    code: `
  let at = group * ${threads}u + thread;
  if (at >= n.heads * n.entries) { return; }
  let head = at / n.entries;
  let entry = i32(at % n.entries);
  let keyHead = head / (n.heads / n.groupsOfHeads);
  var sum = 0.0;
  for (var index = 0; index < table[0]; index++) {
    let s = spanAt(index);
    for (var query = 0; query < s.queryLength; query++) {
      let key = select(entry - i32(n.biasZero) + numberOf(s, query), entry, n.biasByKey == 1u);
      if (!sees(s, query, key)) { continue; }
      let place = u32(s.queryStart + query) * n.heads + head;
      let keyPlace = (u32(rowOf(s, key)) * n.groupsOfHeads + keyHead) * ${size}u;
      var dot = 0.0;
      var against = 0.0;
      for (var d = 0u; d < ${size}u; d++) {
        dot = fma(q[place * ${size}u + d], k[keyPlace + d], dot);
        against = fma(dy[place * ${size}u + d], v[keyPlace + d], against);
      }
      let share = exp(capped(dot * n.scale) + bias[at] - stats[2u * place]);
      sum += share * (against - stats[2u * place + 1u]);
    }
  }
  dBias[at] = sum;`,
  });
