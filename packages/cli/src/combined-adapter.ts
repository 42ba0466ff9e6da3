// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { combineLora, type Combination, type WeightedLora } from '@llmf/adapters';
import { adapterKindOf, AdapterToken, LoraAdapter } from '@llmf/nn';
import { cliErrors } from './cli-errors.js';
import type { Inference } from './inference.js';

export interface CombinedFlags {
  readonly adapter: readonly string[];
  readonly weights?: string;
  readonly combination: Combination;
  readonly rank?: number;
}

/** Several LoRAs of one base as one. @throws LLMF_CLI_NOT_COMBINED for adapters of another kind, LLMF_CLI_USAGE */
export async function combinedAdapter({ engine, run, model }: Inference, flags: CombinedFlags): Promise<LoraAdapter> {
  const weights = weightsOf(flags);
  const kinds = engine.container.resolveAll(AdapterToken);
  const loaded: WeightedLora[] = [];
  try {
    for (const [at, name] of flags.adapter.entries()) {
      const folder = resolve(run.folder, name);
      const kind = await adapterKindOf(kinds, folder, '--adapter');
      const adapter = await kind.load(model, folder, '--adapter');
      if (!(adapter instanceof LoraAdapter) || adapter.heads !== undefined || adapter.replaced !== undefined) {
        adapter.dispose();
        throw cliErrors.notCombined({ adapter: name, kind: kind.name });
      }
      loaded.push({ name, adapter, weight: weights[at]! });
    }
    const combined = await combineLora(model, loaded, flags.combination, flags.rank);
    run.hooks.shutdown.tap('combined adapter', () => combined.dispose());
    return combined;
  } finally {
    for (const { adapter } of loaded) adapter.dispose();
  }
}

/** One for each adapter. @throws LLMF_CLI_USAGE */
function weightsOf({ adapter, weights }: CombinedFlags): number[] {
  if (weights === undefined) return adapter.map(() => 1);
  const numbers = weights.split(',').map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
  if (numbers.length === adapter.length && numbers.every(Number.isFinite)) return numbers;
  const problem = `--weights "${weights}" is not a number for each of ${adapter.length} adapters`;
  throw cliErrors.usage({ problem, command: 'llmf merge' });
}
