// SPDX-License-Identifier: Apache-2.0
import type { Head } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import type { LossNeeds, LossTerm } from '../contracts/loss.js';
import { unitedNeeds } from './loss-needs.js';

const plain: LossNeeds = { rows: 'single', reference: 'none', stats: [], span: 'response', coupling: 'item' };
const term = (name: string, needs: Partial<LossNeeds>): LossTerm => ({
  loss: { name, needs: () => ({ ...plain, ...needs }), compute: () => [], atReference: () => null },
  options: {} as never,
  weight: 1,
});
const score: Head = { name: 'score', outputs: 1, at: 'last' };

describe('the needs of several losses', () => {
  it('are united: the strictest of each, every head once', () => {
    const terms = [
      term('one', { stats: ['entropy'], heads: [score] }),
      term('two', {
        reference: 'required',
        span: 'all',
        coupling: 'batch',
        columns: ['margin'],
        heads: [{ ...score }],
      }),
    ];
    expect(unitedNeeds(terms, 'pair', 'preference')).toEqual({
      rows: 'pair',
      reference: 'required',
      stats: ['entropy'],
      span: 'all',
      coupling: 'batch',
      columns: ['margin'],
      heads: [score],
    });
  });

  it('are refused where two heads of one name differ', () => {
    const terms = [term('one', { heads: [score] }), term('two', { heads: [{ ...score, outputs: 2 }] })];
    expect(() => unitedNeeds(terms, 'single', 'sft')).toThrow(/LLMF_TRAINING_HEADS_DIFFER[^]*got: score/);
  });

  it('are refused where a loss compares what the stage does not have', () => {
    expect(() => unitedNeeds([term('pairs', { rows: 'pair' })], 'single', 'sft')).toThrow('LLMF_TRAINING_LOSS_ROWS');
  });
});
