// SPDX-License-Identifier: Apache-2.0
// A plugin for `llmf train`: at the end of a run it writes which token ids the loss was computed on, a list per answer in
// the order of training, so that a comparison can check that all systems learn the same tokens.
import { writeFileSync } from 'node:fs';
import { apiVersion, z } from '@llmf/core';
import { trainingHooks } from '@llmf/training';

const options = z.strictObject({ file: z.string().describe('Where the lists go, as JSON.') });

export default function trainedTokens() {
  return {
    name: 'trained-tokens',
    apiVersion,
    description: 'Writes the token ids that the loss was computed on',
    options,
    apply(engine) {
      engine.hooks.run.tap('trained-tokens', (run) => {
        const sequences = [];
        trainingHooks(run).batchCollated.tap('trained-tokens', (batch) => {
          const first = sequences.length;
          for (let i = 0; i < batch.responses.tokens.length; i++) sequences.push([]);
          batch.targets.forEach((id, at) => sequences[first + batch.response[at]].push(id));
          return batch;
        });
        run.hooks.end.tap('trained-tokens', () => {
          writeFileSync(run.config.sections['trainedTokens'].file, JSON.stringify(sequences));
        });
      });
    },
  };
}
