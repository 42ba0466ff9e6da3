// SPDX-License-Identifier: Apache-2.0
import { defineProgram, type Program } from '../../backend/program.js';
import { eachElement, elementThreads } from '../elementwise.js';
import { groupSum, rowThreads } from '../reduction.js';

/**
 * WGSL: the logits of h Wᵀ + b: under the soft cap c, 0 for none, c · tanh(x / c), and over the temperature. tanh overflows
 * on some GPUs for large arguments.
 */
const logitFunction = `
fn logitOf(x: f32) -> f32 {
  if (n.softCap == 0.0) { return x / n.temperature; }
  return n.softCap * tanh(clamp(x / n.softCap, -15.0, 15.0)) / n.temperature;
}`;

/**
 * Of each row of logits z: L = log Σ exp z, the target's z − L, and with `extras` the entropy H = L − Σ p z and
 * log Σ p². One group a row; `start` is the first row's place in the outputs.
 */
const rowProgram = (
  extras: boolean,
): Program<'z' | 'targets', string, 'vocabulary' | 'start' | 'softCap' | 'temperature'> =>
  defineProgram({
    name: `log-probs ${extras}`,
    reads: { z: 'f32', targets: 'i32' },
    writes: Object.fromEntries(outputs(extras).map((output) => [output, 'f32' as const])),
    numbers: { vocabulary: 'u32', start: 'u32', softCap: 'f32', temperature: 'f32' },
    workgroup: rowThreads,
    before: `${groupSum}${logitFunction}
fn mostOf(thread: u32, value: f32) -> f32 {
  parts[thread] = value;
  workgroupBarrier();
  for (var width = ${rowThreads / 2}u; width > 0u; width /= 2u) {
    if (thread < width) { parts[thread] = max(parts[thread], parts[thread + width]); }
    workgroupBarrier();
  }
  let most = parts[0];
  workgroupBarrier();
  return most;
}`,
    code: `
  let offset = group * n.vocabulary;
  var own = -3.4e38;
  for (var v = thread; v < n.vocabulary; v += ${rowThreads}u) { own = max(own, logitOf(z[offset + v])); }
  let most = mostOf(thread, own);
  var total = 0.0;
  var weighted = 0.0;
  var squares = 0.0;
  for (var v = thread; v < n.vocabulary; v += ${rowThreads}u) {
    let value = logitOf(z[offset + v]);
    let e = exp(value - most);
    total += e;
${extras ? '    weighted += e * value;\n    squares += e * e;' : ''}
  }
  let all = sumOf(thread, total);
${extras ? '  let mean = sumOf(thread, weighted) / all;\n  let square = sumOf(thread, squares);' : ''}
  if (thread == 0u) {
    let place = n.start + group;
    let sum = log(all) + most;
    logSumExp[place] = sum;
    logProb[place] = logitOf(z[offset + u32(targets[place])]) - sum;
${extras ? '    entropy[place] = sum - mean;\n    squared[place] = log(square) - 2.0 * log(all);' : ''}
  }`,
  });

const outputs = (extras: boolean): string[] => ['logProb', 'logSumExp', ...(extras ? ['entropy', 'squared'] : [])];

export const rowPrograms = { plain: rowProgram(false), withExtras: rowProgram(true) };

/** Which gradients come in: of log-probs (`ones`: 1 for each row), of entropies, of log Σ p². */
export interface SlopeVariant {
  readonly logProb: 'ones' | 'given' | 'none';
  readonly entropy: boolean;
  readonly squared: boolean;
}

const slopes = new Map<string, ReturnType<typeof slopeProgram>>();

/** z, h Wᵀ + b, becomes the loss's gradient by it. */
export function slopeProgramOf(variant: SlopeVariant): ReturnType<typeof slopeProgram> {
  const name = `log-probs-slope ${Object.values(variant).join(' ')}`;
  const program = slopes.get(name) ?? slopeProgram(name, variant);
  slopes.set(name, program);
  return program;
}

function slopeProgram(name: string, { logProb, entropy, squared }: SlopeVariant) {
  const reads: Record<string, 'f32' | 'i32'> = { logSumExp: 'f32' };
  if (logProb !== 'none') reads['targets'] = 'i32';
  if (logProb === 'given') reads['dLogProb'] = 'f32';
  if (entropy) Object.assign(reads, { dEntropy: 'f32', entropy: 'f32' });
  if (squared) Object.assign(reads, { dSquared: 'f32', squared: 'f32' });
  const factor = logProb === 'given' ? 'dLogProb[place] * ' : '';
  return defineProgram({
    name,
    reads,
    writes: { z: 'f32' },
    numbers: { size: 'u32', vocabulary: 'u32', start: 'u32', softCap: 'f32', temperature: 'f32' },
    workgroup: elementThreads,
    before: logitFunction,
    code: `${eachElement}
  let place = n.start + at / n.vocabulary;
  let logit = logitOf(z[at]);
  let logP = logit - logSumExp[place];
  let p = exp(logP);
  var slope = 0.0;
${logProb === 'none' ? '' : `  slope += ${factor}(select(0.0, 1.0, u32(targets[place]) == at % n.vocabulary) - p);`}
${entropy ? '  slope -= dEntropy[place] * p * (logP + entropy[place]);' : ''}
${squared ? '  slope += 2.0 * dSquared[place] * (exp(2.0 * logP - squared[place]) - p);' : ''}
  var capSlope = 1.0;
  if (n.softCap != 0.0) { let share = logit * n.temperature / n.softCap; capSlope -= share * share; }
  z[at] = slope * capSlope / n.temperature;`,
  });
}
