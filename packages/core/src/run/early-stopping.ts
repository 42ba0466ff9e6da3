// SPDX-License-Identifier: Apache-2.0
import type { Run } from '../contracts/run.js';
import { BestMetric } from './best-metric.js';

/** Ends the run when a metric has not improved for some evaluations; what it has seen goes into every checkpoint. */
export function stopEarly(run: Run): void {
  const { earlyStopping } = run.config.train;
  if (earlyStopping === null) return;
  const best = new BestMetric('earlyStopping', earlyStopping);
  run.state.add('early-stopping', best);
  run.hooks.evaluated.tap('early-stopping', ({ step, metrics }) => void best.note(step, metrics));
  run.hooks.stopping.tap('early-stopping', () =>
    best.worse < earlyStopping.patience
      ? undefined
      : `no improvement in ${best.worse} evaluations (best: ${best.text})`,
  );
}
