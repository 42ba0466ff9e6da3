// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';

/** A loss of exactly 0 teaches nothing: said once. Some losses reach it (a hinge), so it is no error. */
export function sayWhereLossIsZero(run: Run): void {
  let isSaid = false;
  run.hooks.log.tap('loss-is-zero', ({ step, loss }) => {
    if (isSaid || loss !== 0) return;
    isSaid = true;
    run.logger.warn(
      `the loss of step ${step} is exactly 0: every row is already as the loss wants it, or none of their tokens counts`,
    );
  });
}
