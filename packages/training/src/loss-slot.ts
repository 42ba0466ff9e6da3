// SPDX-License-Identifier: Apache-2.0
import { StageToken, type Choice, type Engine, type Slot, type Stage } from '@llmf/core';
import { LossToken } from './contracts/loss.js';
import { lossChoices, noLoss } from './objective/loss-terms.js';

/** `loss:` of the config; the stage may follow from it. */
export const lossSlot: Slot = {
  key: 'loss',
  token: LossToken,
  description: 'Loss, or a list of losses with weights; left out, that of the plugin, else of the stage.',
  default: null,
  many: true,
  brought: true,
  none: [noLoss],
  missingHint: 'name a loss in the config, or load a plugin that brings one, such as --plugin loss-dpo for pairs',
  implies: (key, losses, engine) => (key === 'stage' ? stageForLosses(engine, losses) : null),
};

/** The one stage that prepares the kind of rows which the chosen losses need; null when there is none or several. */
function stageForLosses(engine: Engine, losses: readonly Choice[]): string | null {
  const rows = new Set<string>(
    lossChoices(losses).map(({ name, options }) => engine.find(LossToken, name).needs(options as never).rows),
  );
  if (rows.size > 1) rows.delete('single'); // such a loss also learns the chosen answers of pairs
  if (rows.size !== 1) return null;
  const hasNoneOfItsOwn = ({ defaults }: Stage) => defaults?.['loss'] !== noLoss;
  const stages = engine.container
    .resolveAll(StageToken)
    .filter((stage) => rows.has(stage.rows) && hasNoneOfItsOwn(stage));
  return stages.length === 1 ? stages[0]!.name : null;
}
