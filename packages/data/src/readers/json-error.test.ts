// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { randomWords } from '@llmf/core';
import { findJsonFault } from './json-error.js';

const refused = (text: string) => {
  try {
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
};

describe('findJsonFault', () => {
  it('finds a fault, inside the text, wherever JSON.parse refuses one', () => {
    const good = JSON.stringify({ a: [1, -2.5e-7, true, null, 'x\n"é\\'], b: { c: {}, d: [[], ['y']] } }, null, 1);
    const words = randomWords({ seed: 5, stream: 'faults', step: 0, microbatch: 0 }, 'edits', 6000);
    const insertions = ['', ',', '"', '}', ']', ':', '\\', '\n', 'x', '01', '{', '['];
    let faults = 0;
    for (let at = 0; at < 6000; at += 3) {
      const place = words[at]! % good.length;
      const removed = words[at + 1]! % 2;
      const text = good.slice(0, place) + insertions[words[at + 2]! % insertions.length]! + good.slice(place + removed);
      if (!refused(text)) continue;
      const fault = findJsonFault(text);
      faults++;
      expect(fault.problem, text).not.toBe('it was refused by the JSON parser');
      expect(fault.index).toBeLessThanOrEqual(text.length);
    }
    expect(faults).toBeGreaterThan(1000);
  });

  it('gives up on a text nested beyond the stack, as JSON.parse does', () => {
    expect(findJsonFault('['.repeat(200_000)).problem).toMatch(/nested too deep|the text ends/);
  });
});
