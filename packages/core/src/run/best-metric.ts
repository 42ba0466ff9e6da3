// SPDX-License-Identifier: Apache-2.0
import type { Stateful, StateValue } from '../contracts/state.js';
import type { TrainOptions } from '../config/run-config.js';
import { runErrors } from './run-errors.js';

type Choice = NonNullable<TrainOptions['keepBest']> & { readonly minDelta?: number };

/** The best value of a metric so far, at which step, and how many evaluations since then were no better. */
export class BestMetric implements Stateful {
  step: number | null = null;
  value: number | null = null;
  worse = 0;

  /** @param key of the config that asks for it, for messages */
  constructor(
    private readonly key: 'earlyStopping' | 'keepBest',
    private readonly choice: Choice,
  ) {}

  /**
   * Takes note of an evaluation. Returns whether it is the best so far.
   * @throws LLMF_CORE_METRIC_ABSENT naming those that are there
   */
  note(step: number, metrics: Readonly<Record<string, number>>): boolean {
    const { metric, minDelta = 0 } = this.choice;
    const value = metrics[metric];
    if (value === undefined) throw runErrors.metricAbsent({ key: this.key, metric, known: Object.keys(metrics) });
    const gain = this.value === null ? Infinity : this.isLessBetter ? this.value - value : value - this.value;
    const isBetter = Number.isFinite(value) && gain > minDelta;
    this.worse = isBetter ? 0 : this.worse + 1;
    if (isBetter) [this.step, this.value] = [step, value];
    return isBetter;
  }

  /** `eval_loss 0.412 at step 30` */
  get text(): string {
    return `${this.choice.metric} ${Number(this.value!.toPrecision(6))} at step ${this.step}`;
  }

  save(): StateValue {
    const { step, value, worse } = this;
    return { json: { metric: this.choice.metric, step, value, worse } };
  }

  /** What was noted of another metric is of no use. */
  load({ json }: StateValue): void {
    const { metric, step, value, worse } = json as Pick<BestMetric, 'step' | 'value' | 'worse'> & { metric?: string };
    if (metric === undefined || metric === this.choice.metric) Object.assign(this, { step, value, worse });
  }

  private get isLessBetter(): boolean {
    return isLessBetter(this.choice.metric, this.choice.mode);
  }
}

/** Is less of a metric better? auto: of a loss, perplexity or divergence. */
export const isLessBetter = (metric: string, mode: Choice['mode']): boolean =>
  mode === 'min' || (mode === 'auto' && /loss|perplexity|divergence|(^|[_/])kl($|[_/])|error/i.test(metric));
