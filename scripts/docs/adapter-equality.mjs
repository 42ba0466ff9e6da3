// SPDX-License-Identifier: Apache-2.0
// Which adapters are compared with PEFT: the folders that oracles/adapters and oracles/models/stacked_experts.py wrote.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, table } from './markdown.mjs';
import { repository } from './packages.mjs';

const folder = join(repository, 'packages/adapters/fixtures');
const residual = 'packages/adapters/test/residual.test.ts';
const resized = 'packages/adapters/test/resized.test.ts';
const usual = 'packages/adapters/test/peft.test.ts';

export function adapterEqualityTable() {
  const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const rows = cases.map(({ name }) => {
    const config = JSON.parse(readFileSync(join(folder, name, 'saved', 'adapter_config.json'), 'utf8'));
    const isResidual = /^(pissa|olora)/.test(name);
    const base = String(config.base_model_name_or_path);
    return [
      code(name),
      [config.peft_type, ...said(config)].join(', '),
      code(base),
      code(isResidual ? residual : name.startsWith('resized') ? resized : usual),
    ];
  });
  return table(['Case', 'PEFT', 'Base', 'Test'], [...rows, ...stackedExperts()]);
}

/** LoRA on parameters that hold the weights of all experts. */
function stackedExperts() {
  const root = join(repository, 'packages/models/expert-fixtures');
  return readdirSync(root).map((name) => {
    const config = JSON.parse(readFileSync(join(root, name, 'adapter_config.json'), 'utf8'));
    const base = String(config.base_model_name_or_path).split('/').at(-1);
    return [code(name), 'LORA, target_parameters', code(base), code('packages/models/test/stacked-experts.test.ts')];
  });
}

/** Keys that make a LoRA more than that. */
const said = (config) => [
  ...(config.use_dora === true ? ['use_dora'] : []),
  ...['modules_to_save', 'trainable_token_indices', 'ensure_weight_tying'].filter((key) => config[key]),
  ...(config.peft_type === 'LORA' && config.target_modules.some((name) => /(^|\.)(embed_tokens|wte|wpe)$/.test(name))
    ? ['embeddings']
    : []),
  ...(config.peft_type === 'LORA' && config.target_modules.includes('lm_head') ? ['lm_head'] : []),
];
