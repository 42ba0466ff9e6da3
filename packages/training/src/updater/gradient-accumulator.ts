// SPDX-License-Identifier: Apache-2.0
import { accumulate, type Tensor, type Variable } from '@llmf/nn';
import type { Gradient } from '../contracts/hooks.js';
import type { ParameterSettings } from './parameter-groups.js';

/** Sums each parameter's gradient over the microbatches of a step; adds in place where the backend can. */
export class GradientAccumulator {
  private sums = new Map<string, Tensor>();
  private readonly names: ReadonlyMap<Variable, string>;

  /** @param settings rate and decay of each variable */
  constructor(
    private readonly variables: ReadonlyMap<string, Variable>,
    private readonly settings: ReadonlyMap<string, ParameterSettings>,
  ) {
    this.names = new Map([...variables].map(([name, variable]) => [variable, name]));
  }

  /** Takes ownership of `gradient`. */
  readonly sink = (variable: Variable, gradient: Tensor): void => {
    const name = this.names.get(variable)!;
    const before = this.sums.get(name);
    this.sums.set(name, before === undefined ? gradient : accumulate(before, gradient));
  };

  /** The sums, now the caller's, in parameter order; a parameter that no microbatch reached has none. */
  take(): Map<string, Gradient> {
    const { sums } = this;
    this.sums = new Map();
    return new Map(
      [...this.variables].flatMap(([name, variable]) => {
        const value = sums.get(name);
        return value === undefined ? [] : [[name, { variable, value, ...this.settings.get(name)! }] as const];
      }),
    );
  }

  dispose(): void {
    for (const value of this.sums.values()) value.dispose();
    this.sums.clear();
  }
}
