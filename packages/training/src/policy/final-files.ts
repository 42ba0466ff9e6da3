// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { type Run, readSection } from '@llmf/core';
import {
  AttachedAdapterToken,
  AttachedHeadsToken,
  ModelLoaderToken,
  modelSection,
  ModelToken,
  type SaveOptions,
} from '@llmf/nn';
import { DataServiceToken } from '../contracts/data.js';
import { checkFiles } from './watch-files.js';

const fileDtypes: Record<Run['config']['saveDtype'], SaveOptions['dtype']> = {
  auto: 'auto',
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
};

/** At the end of a finished run its output folder becomes what the ecosystem loads: a PEFT adapter or a full model. */
export function writeFinalFiles(run: Run): void {
  run.hooks.end.tapPromise('final-files', async ({ reason }) => {
    if (reason !== 'finished' || !run.container.has(ModelToken)) return;
    const loader = run.container.resolve(ModelLoaderToken);
    const { path, maxShardSize } = readSection(run.config, modelSection);
    const source = await loader.locate(path, run.folder);
    const output = resolve(run.output);
    const adapter = run.container.resolve(AttachedAdapterToken);
    const heads = [...run.container.resolve(AttachedHeadsToken).values()];
    const companions = (folder: string) => carryCompanions(run, folder);
    const files = { source, heads, companions, verify: () => checkFiles(run) };
    if (adapter !== null) await loader.saveAdapter(adapter, output, files);
    else {
      const dtype = fileDtypes[run.config.saveDtype];
      await loader.save(run.container.resolve(ModelToken), output, { ...files, dtype, maxShardSize });
    }
    run.logger.info(`wrote ${adapter === null ? 'the model' : 'the adapter'} to ${output}`);
  });
}

/** What the run read its rows with goes before the files of the model it began with. */
async function carryCompanions(run: Run, folder: string): Promise<void> {
  if (run.container.has(DataServiceToken)) await run.container.resolve(DataServiceToken).companions?.(run, folder);
}
