// SPDX-License-Identifier: Apache-2.0
import type { Gradient } from '../contracts/hooks.js';
import type { Tensor, Variable } from '@llmf/nn';
import { accumulate } from '@llmf/nn';

/** Sums each parameter's gradient over the microbatches of a step; adds in place where the backend can. */
export class GradientAccumulator {
  private sums = new Map<string, Gradient>();
  private readonly names: ReadonlyMap<Variable, string>;

  constructor(variables: ReadonlyMap<string, Variable>) {
    this.names = new Map([...variables].map(([name, variable]) => [variable, name]));
  }

  /** Takes ownership of `gradient`. */
  readonly sink = (variable: Variable, gradient: Tensor): void => {
    const name = this.names.get(variable)!;
    const before = this.sums.get(name);
    this.sums.set(name, { variable, value: before === undefined ? gradient : accumulate(before.value, gradient) });
  };

  /** The sums, now the caller's, in parameter order; a parameter that no microbatch reached has none. */
  take(): Map<string, Gradient> {
    const sums = this.sums;
    this.sums = new Map();
    return new Map(
      [...this.names.values()].flatMap((name) => (sums.has(name) ? [[name, sums.get(name)!] as const] : [])),
    );
  }

  dispose(): void {
    for (const { value } of this.sums.values()) value.dispose();
    this.sums.clear();
  }
}
