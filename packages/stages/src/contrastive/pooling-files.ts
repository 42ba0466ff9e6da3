// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Run } from '@llmf/core';
import { ModelToken } from '@llmf/nn';
import type { InfoNceOptions } from './info-nce.js';

/**
 * At the end of a run its folder says how its texts become vectors, in sentence-transformers' files: it loads the folder,
 * and `llmf embed` reads them.
 */
export function writePooling(run: Run, { pooling, normalize }: Pick<InfoNceOptions, 'pooling' | 'normalize'>): void {
  run.hooks.end.tapPromise('pooling', async ({ reason }) => {
    if (reason !== 'finished') return;
    const output = resolve(run.output);
    const module = (idx: number, path: string, type: string) => {
      return { idx, name: String(idx), path, type: `sentence_transformers.models.${type}` };
    };
    const modules = [
      module(0, '', 'Transformer'),
      module(1, '1_Pooling', 'Pooling'),
      ...(normalize ? [module(2, '2_Normalize', 'Normalize')] : []),
    ];
    const facts = {
      word_embedding_dimension: run.container.resolve(ModelToken).hiddenSize,
      pooling_mode_cls_token: pooling === 'first',
      pooling_mode_mean_tokens: pooling === 'mean',
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
      pooling_mode_lasttoken: pooling === 'last',
    };
    await mkdir(join(output, '1_Pooling'), { recursive: true });
    await writeFile(join(output, '1_Pooling', 'config.json'), `${JSON.stringify(facts, null, 2)}\n`);
    await writeFile(join(output, 'modules.json'), `${JSON.stringify(modules, null, 2)}\n`);
  });
}
