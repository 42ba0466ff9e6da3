// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import type { HealthRule, ObservedStep } from './health-rule.js';

/** Steps that are remembered, besides the first ones, which later ones are compared with. */
const remembered = 20;
const compared = 10;

/** Shows every step to the rules; what one of them says is told once. */
export class HealthWatch<Step extends ObservedStep> {
  private readonly steps: Step[] = [];
  private readonly said = new Set<string>();

  constructor(
    private readonly run: Pick<Run, 'logger'>,
    private readonly rules: readonly HealthRule<Step>[],
  ) {}

  see(step: number, facts: Step): void {
    this.steps.push(facts);
    if (this.steps.length > compared + remembered) this.steps.splice(compared, 1);
    for (const { name, see } of this.rules) {
      const line = this.said.has(name) ? null : see(this.steps);
      if (line === null) continue;
      this.said.add(name);
      this.run.logger.warn(`health (step ${step}, ${name}): ${line}`);
    }
  }
}
