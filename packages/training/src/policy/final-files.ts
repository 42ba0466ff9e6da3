// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { type Run, readSection } from '@llmf/core';
import { AttachedAdapterToken, ModelLoaderToken, ModelToken, type SaveOptions, modelSection } from '@llmf/nn';

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
    const source = await loader.locate(readSection(run.config, modelSection).path, run.folder);
    const output = resolve(run.output);
    const adapter = run.container.resolve(AttachedAdapterToken);
    if (adapter !== null) await loader.saveAdapter(adapter, output, { source });
    else
      await loader.save(run.container.resolve(ModelToken), output, { source, dtype: fileDtypes[run.config.saveDtype] });
    run.logger.info(`wrote ${adapter === null ? 'the model' : 'the adapter'} to ${output}`);
  });
}
