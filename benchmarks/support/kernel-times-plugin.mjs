// SPDX-License-Identifier: Apache-2.0
// A plugin for `llmf train` that times each call of a native kernel, per step. Importing it wraps `process.dlopen`, which is
// how the backend's addon comes into the process later. At the end it writes, as JSON, the wall milliseconds of every step
// (from the end of the one before it, so not of the first) and the calls and milliseconds of each kernel in it.
//
// From step `splitFrom` on, a kernel that computes a product and a low-rank update in one is also run without the update:
// `together` and `without` are the milliseconds of both. These steps are slower and say nothing else.
import { writeFileSync } from 'node:fs';
import { apiVersion, z } from '@llmf/core';

/** Kernels with an update of rank `rank` by the matrices a, b and mask (packages/backend-cpu/src/kernels/linear). */
const lowRankKernels = ['linear', 'linearInputGradient'];

let kernels = {}; // of the step in progress: calls, milliseconds
let split = null; // together, without: milliseconds

const open = process.dlopen;
process.dlopen = function dlopen(module, ...rest) {
  open.call(process, module, ...rest);
  const addon = module.exports;
  if (addon?.kernels === undefined) return;
  for (const [name, run] of Object.entries(addon.kernels)) {
    addon.kernels[name] = timed(name, run, lowRankKernels.includes(name) ? placesOf(addon, name) : null);
  }
  for (const name of ['allocate', 'release']) addon[name] = timed(name, addon[name]);
};

/** Where a kernel finds its rank among the numbers, and the update's matrices among the arrays. */
function placesOf({ numbers, signatures }, name) {
  const parameters = signatures[name].split(' ').map((parameter) => parameter.split(':'));
  const isNumber = ([, kind]) => ['size', 'integer', 'scalar', 'number', 'flag'].includes(kind);
  const namesOf = (kept) => parameters.filter(kept).map(([parameter]) => parameter);
  const arrays = namesOf((parameter) => !isNumber(parameter));
  const matrices = ['a', 'b', 'mask'].map((matrix) => arrays.indexOf(matrix));
  return { numbers, rank: namesOf(isNumber).indexOf('rank'), matrices };
}

function timed(name, run, places = null) {
  return (...values) => {
    const [result, milliseconds] = measure(run, values);
    const entry = (kernels[name] ??= { calls: 0, milliseconds: 0 });
    entry.calls++;
    entry.milliseconds += milliseconds;
    if (split !== null && places !== null && places.numbers[places.rank] > 0)
      compare(run, values, places, milliseconds);
    return result;
  };
}

function measure(run, values) {
  const began = performance.now();
  const result = run(...values);
  return [result, performance.now() - began];
}

/** Runs it without the update, then as it was, since both write to the same output. */
function compare(run, values, { numbers, rank, matrices }, milliseconds) {
  const given = numbers[rank];
  numbers[rank] = 0;
  split.without += measure(
    run,
    values.map((value, at) => (matrices.includes(at) ? null : value)),
  )[1];
  numbers[rank] = given;
  split.together += (milliseconds + measure(run, values)[1]) / 2; // before and after, with and without a warm cache
}

const options = z.strictObject({
  file: z.string().describe('Where the times go, as JSON.'),
  splitFrom: z.number().int().min(2).describe('First step that also runs products without their low-rank update.'),
});

export default function kernelTimes() {
  return {
    name: 'kernel-times',
    apiVersion,
    description: 'Times the native kernels of every step',
    options,
    apply(engine) {
      engine.hooks.run.tap('kernel-times', (run) => {
        const { file, splitFrom } = run.config.sections['kernelTimes'];
        const steps = [];
        let ended = null;
        run.hooks.stepDone.tap('kernel-times', ({ step }) => {
          const now = performance.now();
          if (ended !== null) steps.push({ step, milliseconds: now - ended, kernels });
          kernels = {};
          if (step === splitFrom - 1) split = { together: 0, without: 0 };
          ended = performance.now();
        });
        run.hooks.end.tap('kernel-times', () => writeFileSync(file, JSON.stringify({ steps, split })));
      });
    },
  };
}
