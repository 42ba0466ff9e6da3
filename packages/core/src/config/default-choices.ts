// SPDX-License-Identifier: Apache-2.0
import type { Engine } from '../contracts/engine.js';
import { LossToken } from '../contracts/loss.js';
import type { Plugin } from '../contracts/plugin.js';
import { StageToken } from '../contracts/stage.js';
import type { Named, Token } from '../contracts/token.js';
import type { Choice } from './run-config.js';

/** The one value that the plugins the user named bring under a token; null when they bring none or several. */
export function broughtByNamed<T extends Named>(
  engine: Engine,
  token: Token<T>,
  named: readonly Plugin[],
): string | null {
  const brought = engine.container.resolveAll(token).filter((value) => {
    const plugin = engine.providerOf(value);
    return plugin !== undefined && named.includes(plugin);
  });
  return brought.length === 1 ? brought[0]!.name : null;
}

/** The one stage that prepares the kind of rows which the chosen losses need; null when there is none or several. */
export function stageForLosses(engine: Engine, losses: readonly Choice[] | null): string | null {
  const rows = new Set(
    (losses ?? []).map(({ name, options }) => engine.find(LossToken, name).needs(options as never).rows),
  );
  if (rows.size > 1) rows.delete('single'); // such a loss also learns the chosen answers of pairs
  if (rows.size !== 1) return null;
  const stages = engine.container.resolveAll(StageToken).filter((stage) => rows.has(stage.rows));
  return stages.length === 1 ? stages[0]!.name : null;
}
