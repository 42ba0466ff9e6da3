// SPDX-License-Identifier: Apache-2.0
import type { AttentionAttributes } from '@llmf/nn';
import { expect, it } from 'vitest';
import type { NativeBackend, TensorInfo } from '../define-kernel.js';
import { attentionShapeOf } from './shape.js';

const info = (shape: number[]): TensorInfo => ({ dataId: {}, shape, dtype: 'float32' });
const backend = { roundsProducts: false, optionalFloats: () => null } as unknown as NativeBackend;
const span = { queryStart: 0, queryLength: 2, keyStart: 1, keyLength: 3, prefixStart: 4, prefixLength: 5 };
const wordsOf = (spans: AttentionAttributes['spans'], causal: boolean) =>
  attentionShapeOf(
    info([2, 2, 4]),
    info([9, 1, 4]),
    undefined,
    { spans, scale: 1, causal, window: 0 } as AttentionAttributes,
    backend,
  ).spans;

it('writes a list of spans down once for all blocks of a pass, and again for another list or another sight', () => {
  const list = [span, { ...span, causal: false }];
  const words = wordsOf(list, true);
  expect([...words]).toEqual([0, 2, 1, 3, 4, 5, 1, 0, 2, 1, 3, 4, 5, 0]);
  expect(wordsOf(list, true)).toBe(words);
  expect([...wordsOf(list, false)]).toEqual([0, 2, 1, 3, 4, 5, 0, 0, 2, 1, 3, 4, 5, 0]);
  expect([...wordsOf([{ ...span, keyLength: 4 }], true)]).toEqual([0, 2, 1, 4, 4, 5, 1]);
});
