// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { trainOptions } from '../config/run-config.js';
import { checkEvaluated, unevaluated } from './unevaluated.js';

const told = (written: object) => unevaluated({ train: trainOptions.parse(written), stated: Object.keys(written) });

describe('a run without held-out rows', () => {
  it('says which keys evaluate nothing, by what was written and not by defaults', () => {
    expect(told({ evalEvery: 500 })).toBe('train.evalEvery evaluates nothing: there are no held-out rows (data.eval)');
    expect(told({ evalEvery: 5, evalOnStart: true })).toMatch(
      /^train\.evalEvery and train\.evalOnStart evaluate nothing/,
    );
  });

  it.each([[{}], [{ evalEvery: null }], [{ evalOnStart: false }], [{ batchSize: 1 }]])(
    'says nothing of %j',
    (written) => {
      expect(told(written)).toBeNull();
    },
  );

  it('is refused where it waits for a metric', () => {
    expect(() => checkEvaluated(trainOptions.parse({ keepBest: {} }))).toThrow(/METRIC_ABSENT[^]*train\.keepBest/);
    expect(() => checkEvaluated(trainOptions.parse({ earlyStopping: {} }))).toThrow(/train\.earlyStopping/);
    expect(() => checkEvaluated(trainOptions.parse({}))).not.toThrow();
  });
});
