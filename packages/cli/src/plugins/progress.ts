// SPDX-License-Identifier: Apache-2.0
import { apiVersion, formatDuration, formatNumber, type MetricsRow, type Plugin, type Run } from '@llmf/core';
import type { Display } from '../display.js';

/** Milliseconds between two plain lines where there is no terminal. */
const plainLineMs = 1000;

/** Shows step, loss, tokens per second and time left: one live line on a terminal, plain lines elsewhere. */
export function progress(display: Display): Plugin {
  return {
    name: 'progress',
    apiVersion,
    description: 'the progress line',
    apply: ({ hooks }) => hooks.run.tap('progress', (run) => watch(run, display)),
  };
}

function watch(run: Run, display: Display): void {
  const clock = new StepClock();
  let lastLine = -Infinity;
  let facts = '';
  const show = () => display.setLive(`step ${run.step}/${run.totalSteps}${facts} · ${clock.left(run)} left`);
  run.hooks.stepDone.tap('progress', () => {
    clock.stepDone(run.step);
    if (display.isLive) show();
  });
  run.hooks.log.tap('progress', (row) => {
    if (isEvaluation(row)) return display.info(`step ${row['step']}: ${evaluationText(row)}`);
    facts = factsText(row);
    if (display.isLive) return show();
    const isLast = row['step'] === run.totalSteps;
    if (!isLast && performance.now() - lastLine < plainLineMs) return;
    lastLine = performance.now();
    display.info(`step ${row['step']}/${run.totalSteps}${facts} · ${clock.left(run)} left`);
  });
  run.hooks.end.tap('progress', ({ step, reason }) => {
    display.close();
    display.info(`${reason === 'finished' ? 'finished' : 'stopped'} at step ${step}${facts}: ${run.output}`);
  });
  run.hooks.failure.tap('progress', () => display.close());
}

/** Time left, from the steps seen in this process. */
class StepClock {
  private first: { readonly step: number; readonly at: number } | null = null;
  private last: { readonly step: number; readonly at: number } | null = null;

  stepDone(step: number): void {
    const now = { step, at: performance.now() };
    this.first ??= now;
    this.last = now;
  }

  left({ totalSteps }: Run): string {
    const { first, last } = this;
    if (first === null || last === null || last.step === first.step) return '?';
    const seconds = (last.at - first.at) / (last.step - first.step) / 1000;
    return formatDuration(seconds * Math.max(0, totalSteps - last.step));
  }
}

const isEvaluation = (row: MetricsRow) => Object.keys(row).some((key) => key.startsWith('eval_'));

function factsText({ loss, tokensPerSecond, ...row }: MetricsRow): string {
  const accuracy = row['rewards/accuracies'];
  const parts = [
    typeof loss === 'number' ? `loss ${formatNumber(loss)}` : '',
    typeof accuracy === 'number' ? `accuracy ${formatNumber(accuracy)}` : '',
    typeof tokensPerSecond === 'number' ? `${formatNumber(Math.round(tokensPerSecond))} tokens/s` : '',
  ].filter(Boolean);
  return parts.map((part) => ` · ${part}`).join('');
}

function evaluationText(row: MetricsRow): string {
  const metrics = Object.entries(row).filter(([key]) => key.startsWith('eval_') && key !== 'eval_seconds');
  return metrics.map(([key, value]) => `${key} ${typeof value === 'number' ? formatNumber(value) : value}`).join(' · ');
}
