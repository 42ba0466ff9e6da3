// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { LlmfError } from '../errors.js';
import { parseYaml } from './parse-config.js';
import { placeError } from './place-error.js';
import type { RunConfig } from './run-config.js';

const text = 'adapter:\n  name: lora\n  targets: [q_prj]\ntrain: { seed: 1 }\n';
const { source } = parseYaml(text, '/nowhere/llmf.yaml');
const config = { resolved: { adapter: {}, train: {} } } as unknown as RunConfig;
const placed = (where: string | undefined, status: 1 | 2 = 1) => {
  const cause = new Error('why');
  const error = new LlmfError('LLMF_X', { what: 'wrong', ...(where ? { where } : {}), fix: 'mend' }, status, { cause });
  const result = placeError(error, source, config) as LlmfError;
  return { result, isSame: result === error, cause };
};

describe('placeError', () => {
  it('adds file, line and column of the key, and keeps all else', () => {
    const { result, cause } = placed('adapter.targets');
    expect(result.message).toMatch(/^LLMF_X: wrong\n {2}at: .*llmf\.yaml:3:12, adapter\.targets\n {2}to do: mend$/);
    expect([result.code, result.status, result.cause]).toEqual(['LLMF_X', 1, cause]);
    expect(LlmfError.is(result)).toBe(true);
  });

  it('takes the nearest that is written where the key is not', () => {
    expect(placed('train.maxSteps').result.detail.where).toMatch(/llmf\.yaml:4:8, train\.maxSteps$/);
  });

  it.each([undefined, '/a/model, tensor x', 'lora_A', 'config.json'])('leaves a place of another kind: %s', (where) => {
    expect(placed(where).isSame).toBe(true);
  });

  it("leaves our own faults and others' errors", () => {
    expect(placed('adapter.targets', 2).isSame).toBe(true);
    const other = new TypeError('x');
    expect(placeError(other, source, config)).toBe(other);
  });
});
