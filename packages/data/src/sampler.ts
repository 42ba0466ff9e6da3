// SPDX-License-Identifier: Apache-2.0
import { permutation, type World } from '@llmf/core';
import type { Sampler } from '@llmf/training';

export interface SamplerSettings {
  /** Rows of the split. */
  readonly length: number;
  /** Rows of one optimizer step, over all ranks. */
  readonly rowsPerStep: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly world: Pick<World, 'rank' | 'size'>;
}

/**
 * Row order as a pure function of the step: every epoch is an exact permutation drawn from (seed, epoch), so a resumed
 * run goes on with the same rows. The last step of an epoch holds what is left. Ranks take turns row by row.
 */
export function createSampler({ length, rowsPerStep, seed, shuffle, world }: SamplerSettings): Sampler {
  const stepsPerEpoch = Math.max(1, Math.ceil(length / rowsPerStep));
  let held: { epoch: number; order: Uint32Array } | null = null;
  const orderOf = (epoch: number): Uint32Array | null => {
    if (!shuffle) return null;
    if (held?.epoch !== epoch) {
      held = { epoch, order: permutation({ seed, stream: 'shuffle', step: epoch, microbatch: 0 }, 'rows', length) };
    }
    return held.order;
  };
  return {
    stepsPerEpoch,
    indices(step) {
      const epoch = Math.floor((step - 1) / stepsPerEpoch);
      const first = ((step - 1) % stepsPerEpoch) * rowsPerStep;
      const order = orderOf(epoch);
      const rows: number[] = [];
      for (let at = first + world.rank; at < Math.min(first + rowsPerStep, length); at += world.size) {
        rows.push(order === null ? at : order[at]!);
      }
      return rows;
    },
  };
}
