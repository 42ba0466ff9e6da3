// SPDX-License-Identifier: Apache-2.0
// 2,000 of them: slow/fuzz-architectures.slow.ts
import { architectures } from '@llmf/models';
import { expect, it } from 'vitest';
import { fuzz } from './support/fuzz.js';
import { architectureTargets, modelTypes } from './support/fuzz-architectures.js';

it('folders of every architecture with mutated configs and weights are read or refused with a code', async () => {
  const eyes = ['qwen2_5_vl', 'qwen2_vl', 'qwen3_vl'];
  expect(modelTypes).toEqual([...architectures.map(({ name }) => name), ...eyes].toSorted());
  const { files, refused, faults } = await fuzz(4, 1, architectureTargets);
  expect(faults).toEqual([]);
  expect(files).toBe(4 * 2 * modelTypes.length);
  expect(refused).toBeGreaterThan(files / 3);
});
