// SPDX-License-Identifier: Apache-2.0
// A stage without a model, as a user's own plugin file: its loss halves every ten steps. For tests of everything around a step.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiVersion, BackendToken, StageToken } from '@llmf/core';
import { LossToken } from '@llmf/training';

/** `options` of a stage may be any strict zod-like object; this one takes what the tests need. */
const known = ['stepsPerEpoch', 'failAt', 'nanAt', 'noSpaceAt', 'saveSeconds', 'evalLosses'];
const options = {
  shape: Object.fromEntries(known.map((key) => [key, null])),
  safeParse: (data) => ({ success: true, data: { stepsPerEpoch: 8, ...data } }),
};

class ToySession {
  constructor(run, { saveSeconds = 0, ...given }) {
    Object.assign(this, { ...given, seen: [] });
    run.hooks.end.tap('toy', () => writeFileSync(join(run.output, 'seen.json'), JSON.stringify(this.seen)));
    run.state.add('toy', {
      save: () => {
        for (const end = performance.now() + 1000 * saveSeconds; performance.now() < end;);
        return { json: this.seen };
      },
      load: ({ json }) => {
        this.seen = [...json];
      },
      isResult: true,
    });
  }
  async verify() {}
  async step(step) {
    if (step === this.failAt) throw new TypeError('toy.stumble is not a function');
    if (step === this.noSpaceAt) {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
    }
    this.seen.push(step);
    globalThis.toyStep?.(step);
    const loss = step === this.nanAt ? Number.NaN : 2 ** (-step / 10);
    return { metrics: Promise.resolve({ loss, seen: this.seen.length }), tokens: 100, computedTokens: 90 };
  }
  async evaluate() {
    return { loss: this.evalLosses?.[this.seen.length - 1] ?? 0.5 };
  }
}

const stage = {
  name: 'toy',
  rows: 'single',
  defaults: { loss: 'toy' },
  options,
  prepare: async (run, given) => new ToySession(run, given),
};
const loss = {
  name: 'toy',
  needs: () => ({ rows: 'single', reference: 'none', stats: [], span: 'response', coupling: 'item' }),
  compute: () => [],
  atReference: () => null,
};
const backend = {
  name: 'toy',
  priority: 0,
  unavailable: async () => null,
  start: async () => ({ tfName: 'toy', precisions: ['f32'], numerics: 'none', description: 'no tensors at all' }),
};

export default () => ({
  name: 'toy',
  apiVersion,
  description: 'a stage without a model',
  apply(engine) {
    engine.provide(StageToken, stage);
    engine.provide(LossToken, loss);
    engine.provide(BackendToken, backend);
  },
});
