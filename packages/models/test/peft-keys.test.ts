// SPDX-License-Identifier: Apache-2.0
/**
 * Every key that PEFT 0.21 writes for LoRA: its log-probabilities, or an error that names the key. The adapters and PEFT's
 * numbers are of oracles/models/peft_keys.py, which stops where PEFT has a key without a case.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '@llmf/core';
import { savedLora, tf, type Model } from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture, loadFixture, logits, packed, scratchFolder } from './fixture.js';

interface Case {
  /** What adapter_config.json has other than that of the plain adapter. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly without: readonly string[];
  /** Left out: the plain adapter's. */
  readonly tensors?: Readonly<Record<string, { readonly shape: number[]; readonly data: string }>>;
  /** null: PEFT does not load it. */
  readonly logProbs: readonly number[] | null;
}
const recorded = JSON.parse(readFileSync(fixture('llama', 'adapters.json'), 'utf8')) as {
  readonly ids: readonly number[];
  readonly plain: Required<Pick<Case, 'config' | 'tensors'>> & { readonly logProbs: readonly number[] };
  readonly cases: Readonly<Record<string, Case>>;
};

/** What is refused, and how the message says what. */
const refused: Readonly<Record<string, string>> = {
  'init_lora_weights, pissa': 'init_lora_weights',
  'init_lora_weights, pissa_niter_4': 'init_lora_weights',
  'init_lora_weights, olora': 'init_lora_weights',
  'init_lora_weights, corda': 'init_lora_weights',
  'init_lora_weights, loftq': 'init_lora_weights',
  'init_lora_weights, lora_ga': 'init_lora_weights',
  use_dora: 'use_dora',
  alora_invocation_tokens: 'alora_invocation_tokens',
  monteclora_config: 'monteclora_config',
  layer_replication: 'layer_replication',
  lora_bias: 'lora_bias',
  use_bdlora: 'use_bdlora',
  kasa_config: 'kasa_config',
  megatron_config: 'megatron_config',
  use_qalora: 'use_qalora',
  arrow_config: 'arrow_config',
  'a key of tomorrow': 'lora_of_tomorrow',
};

const scratch = scratchFolder();
let model: Model;
beforeAll(async () => {
  model = await loadFixture(fixture('llama'));
});
afterAll(() => {
  model.dispose();
  scratch.remove();
});

async function folderOf(label: string, { config, without, tensors = recorded.plain.tensors }: Case): Promise<string> {
  const folder = join(scratch.path, label.replaceAll(/\W/g, '-'));
  mkdirSync(folder);
  const whole = Object.entries({ ...recorded.plain.config, ...config }).filter(([key]) => !without.includes(key));
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(Object.fromEntries(whole)));
  const written = Object.entries(tensors).map(([key, { shape, data }]) => {
    return [key, { dtype: 'F32' as const, shape, data: new Uint8Array(Buffer.from(data, 'base64')) }];
  });
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), Object.fromEntries(written));
  return folder;
}

/** Log-probability of each token of the sequence but the first. */
async function logProbs(folder: string): Promise<number[]> {
  const adapter = await savedLora(model, folder, '--adapter');
  const values = await logits(model, packed([Int32Array.from(recorded.ids)]), { adapter });
  adapter.dispose();
  return tf.tidy(() => {
    const rows = tf.logSoftmax(tf.tensor2d(values, [recorded.ids.length, model.vocabularySize])).arraySync();
    return recorded.ids.slice(1).map((id, at) => (rows as number[][])[at]![id]!);
  });
}

describe('an adapter of PEFT that has', () => {
  it.each(Object.keys(recorded.cases))('%s', async (label) => {
    const one = recorded.cases[label]!;
    const folder = await folderOf(label, one);
    const key = refused[label];
    if (key !== undefined) {
      await expect(logProbs(folder)).rejects.toThrow(
        new RegExp(`^LLMF_NN_ADAPTER_KEY[^]*adapter_config\\.json, ${key}\\n {2}got: [^]*expected: [^]*to do: `),
      );
    } else if (one.logProbs === null) await expect(logProbs(folder)).rejects.toThrow(/^LLMF_NN_ADAPTER_FILE/);
    else {
      const got = await logProbs(folder);
      const distance = Math.max(...got.map((value, at) => Math.abs(value - one.logProbs![at]!)));
      expect(distance).toBeLessThan(1e-4);
    }
  });

  it('none of these is left out, and most are computed', () => {
    const labels = Object.keys(recorded.cases);
    expect(labels).toHaveLength(56);
    expect(Object.keys(refused).filter((label) => !labels.includes(label))).toEqual([]);
  });
});

describe('an adapter whose file lacks layers', () => {
  const { plain } = recorded;
  const tensors = Object.fromEntries(Object.entries(plain.tensors).filter(([key]) => !key.includes('layers.1.')));
  const cut = (config: Case['config']): Case => ({ config, without: [], tensors, logProbs: null });

  it('that target_modules names is refused with their names', async () => {
    const folder = await folderOf('cut', cut({}));
    await expect(logProbs(folder)).rejects.toThrow(
      /LLMF_NN_ADAPTER_FILE[^]*no tensors for model\.layers\.1\.self_attn\.q_proj, model\.layers\.1\.self_attn\.v_proj\n/,
    );
  });

  it.each([
    ['layers_to_transform', { layers_to_transform: [0] }],
    ['exclude_modules', { exclude_modules: 'model.layers.1.*' }],
    ['whole paths', { target_modules: ['layers.0.self_attn.q_proj', 'model.layers.0.self_attn.v_proj'] }],
    ['an expression', { target_modules: '.*layers\\.0\\..*[qv]_proj' }],
  ])('that are not meant is whole: %s', async (label, config) => {
    expect(await logProbs(await folderOf(`not-meant-${label}`, cut(config)))).toHaveLength(recorded.ids.length - 1);
  });

  it('says why a pattern is not read', async () => {
    const folder = await folderOf('no-pattern', {
      config: { alpha_pattern: { '(?i)q_proj': 3 } },
      without: [],
      logProbs: null,
    });
    await expect(logProbs(folder)).rejects.toThrow(
      /alpha_pattern\.\(\?i\)q_proj: not an expression that is read: Invalid/,
    );
  });
});
