// SPDX-License-Identifier: Apache-2.0
import { wasmBackend } from '@llmf/backend-wasm';
import { dpoLoss } from '@llmf/loss-dpo';
import { orpoLoss } from '@llmf/loss-orpo';
import { sftLoss } from '@llmf/loss-sft';
import { ktoLoss } from '@llmf/loss-kto';
import { simpoLoss } from '@llmf/loss-simpo';
import { tf } from '@llmf/nn';
import { describeLoss, describeLossOracle } from '@llmf/testkit';
import { beforeAll, expect, it } from 'vitest';

/** Losses run on whatever backend the user has: the one with the fewest kernels keeps the same contract. */
beforeAll(async () => {
  await wasmBackend.start({});
});

it('runs on wasm', () => expect(tf.getBackend()).toBe('wasm'));

describeLoss(dpoLoss, [{}, { options: { variant: 'discopop' } }, { options: { variant: 'aot' } }]);
describeLoss(orpoLoss);
describeLoss(sftLoss);
describeLoss(simpoLoss, [{ options: { alpha: 0.25, cpoAlpha: 1 } }]);

const fixture = (name: string) => new URL(`../packages/loss-${name}/fixtures/${name}.json`, import.meta.url);
describeLossOracle(dpoLoss, fixture('dpo'), 136);
describeLossOracle(orpoLoss, fixture('orpo'), 21);
describeLossOracle(simpoLoss, fixture('simpo'), 44);
describeLossOracle(ktoLoss, fixture('kto'), 20);
describeLossOracle(sftLoss, fixture('sft'), 6);
