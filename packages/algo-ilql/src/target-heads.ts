// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { AttachedHead, tf, type Model } from '@llmf/nn';
import { hostTensors, loadVariables, type Policy } from '@llmf/training';
import { qNames, targetName } from './ilql-heads.js';
import type { IlqlOptions } from './options.js';

/** Copies of the Q heads that follow them slowly (Polyak averaging) and are never trained; state of the run. */
export class TargetHeads {
  /** By name. */
  readonly heads: ReadonlyMap<string, AttachedHead>;

  constructor(
    run: Run,
    private readonly policy: Pick<Policy, 'heads'>,
    model: Pick<Model, 'hiddenSize'>,
    private readonly options: Pick<IlqlOptions, 'alpha' | 'syncEvery' | 'twoQs'>,
  ) {
    this.heads = new Map(
      qNames(options.twoQs).map((name) => {
        const head = { ...policy.heads.get(name)!.head, name: targetName(name) };
        const key = { seed: 0, stream: 'target', step: 0, microbatch: 0 };
        return [head.name, AttachedHead.create(head, model.hiddenSize, key)];
      }),
    );
    this.follow(1);
    run.hooks.started.tap('target-heads', ({ totalSteps }) => {
      const warning = staleTargets(options, totalSteps);
      if (warning !== null) run.logger.warn(warning);
    });
    run.hooks.shutdown.tap('target-heads', () => {
      for (const head of this.heads.values()) head.dispose();
    });
    const variables = new Map([...this.heads.values()].flatMap((head) => [...head.variables]));
    run.state.add('target-heads', {
      save: async () => ({ tensors: await hostTensors(variables) }),
      load: ({ tensors }) => loadVariables(variables, tensors ?? {}),
      isResult: true,
    });
  }

  /** After an update: Q̂ ← α·Q + (1 − α)·Q̂, every so many steps. */
  sync(step: number): void {
    if (step % this.options.syncEvery === 0) this.follow(this.options.alpha);
  }

  private follow(share: number): void {
    for (const name of qNames(this.options.twoQs)) {
      const own = [...this.policy.heads.get(name)!.variables.values()];
      const targets = [...this.heads.get(targetName(name))!.variables.values()];
      for (const [at, target] of targets.entries()) {
        tf.tidy(() => target.assign(tf.add(tf.mul(own[at]!, share), tf.mul(target, 1 - share))));
      }
    }
  }
}

/** What the targets will have taken over of Q by the last step: 1 − (1 − α)^syncs. */
const takenOver = ({ alpha, syncEvery }: Following, steps: number): number =>
  1 - (1 - alpha) ** Math.floor(steps / syncEvery);

type Following = Pick<IlqlOptions, 'alpha' | 'syncEvery'>;

/** Where targets stay nearly what Q was at random, values follow them and guided decoding reads them: a line that says so. */
export function staleTargets(options: Following, steps: number): string | null {
  const share = takenOver(options, steps);
  if (share >= 0.5) return null;
  const percent = Number((100 * share).toPrecision(2));
  return `by step ${steps} the target heads will have taken over ${percent} % of what Q learns, and both V and --guide look at them: raise stage.alpha (${options.alpha}), or lower stage.syncEvery (${options.syncEvery})`;
}
