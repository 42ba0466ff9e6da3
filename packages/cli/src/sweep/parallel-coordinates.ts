// SPDX-License-Identifier: Apache-2.0
import { formatNumber } from '@llmf/core';
import type { Distribution, Trial } from '@llmf/sweep';
import { escaped } from '../plot/escaped.js';

const width = 960;
const height = 420;
const margin = { left: 70, right: 70, top: 50, bottom: 30 };

interface Axis {
  readonly name: string;
  readonly isLog: boolean;
  /** Texts beside the axis and their places, 0 at the bottom to 1. */
  readonly marks: readonly (readonly [text: string, place: number])[];
  placeOf(trial: Trial): number | null;
}

/** A line a trial over an axis for each parameter and one for the metric; the better, the darker. */
export function parallelCoordinates(trials: readonly Trial[], metric: string, isLessBetter: boolean): string {
  const valued = trials.filter(({ value }) => value !== null && Number.isFinite(value));
  if (valued.length === 0) return '';
  const axes = [
    ...Object.entries(valued[0]!.distributions).map(([name, each]) => parameterAxis(name, each)),
    valueAxis(metric, valued),
  ];
  const left = (at: number) => margin.left + (at * (width - margin.left - margin.right)) / Math.max(1, axes.length - 1);
  const top = (place: number) => height - margin.bottom - place * (height - margin.top - margin.bottom);
  // The best lie above the others.
  const goodness = (trial: Trial) => {
    const place = axes.at(-1)!.placeOf(trial)!;
    return isLessBetter ? 1 - place : place;
  };
  const lines = valued
    .toSorted((one, other) => goodness(one) - goodness(other))
    .map((trial) => {
      const places = axes.map((axis, at) => [left(at), top(axis.placeOf(trial) ?? 0)] as const);
      const good = goodness(trial);
      const dashes = trial.state === 'pruned' ? ' stroke-dasharray="4 3"' : '';
      const title = `trial ${trial.number}: ${metric} ${formatNumber(trial.value!)}`;
      return `<path d="M${places.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}" fill="none" stroke="${colour(good)}" stroke-width="${round(1 + 1.6 * good)}"${dashes}><title>${escaped(title)}</title></path>`;
    });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" role="img" aria-label="parameters and ${escaped(metric)} of each trial">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...lines,
    ...axes.map((axis, at) => drawAxis(axis, left(at), at, top)),
    '</svg>',
  ].join('\n');
}

function drawAxis({ name, isLog, marks }: Axis, x: number, at: number, top: (place: number) => number): string {
  const title = `${escaped(name)}${isLog ? ' (log)' : ''}`;
  const [y, anchor] = [at % 2 === 0 ? 18 : 36, x < width / 6 ? 'start' : x > (5 * width) / 6 ? 'end' : 'middle'];
  const titleX = anchor === 'start' ? 8 : anchor === 'end' ? width - 8 : x;
  return [
    `<path d="M${round(x)} ${round(top(0))}V${round(top(1))}" stroke="#333333" stroke-width="1.5"/>`,
    `<text x="${round(titleX)}" y="${y}" font-size="14" font-weight="600" fill="#222222" text-anchor="${anchor}">${title}</text>`,
    ...marks.map(
      ([text, place]) =>
        `<text x="${round(x + 6)}" y="${round(top(place) + 4)}" font-size="12" fill="#222222" stroke="#ffffff" stroke-width="3" paint-order="stroke">${escaped(text)}</text>`,
    ),
  ].join('\n');
}

function parameterAxis(name: string, distribution: Distribution): Axis {
  if (distribution.kind === 'choice') {
    const { choices } = distribution;
    const place = (at: number) => (choices.length === 1 ? 0.5 : at / (choices.length - 1));
    return {
      name,
      isLog: false,
      marks: choices.map((choice, at) => [String(choice), place(at)]),
      placeOf: ({ params }) => place(choices.indexOf(params[name]!)),
    };
  }
  const { low, high, log } = distribution;
  return { name, ...scaleOf(low, high, log), placeOf: ({ params }) => placeIn(low, high, log, Number(params[name])) };
}

function valueAxis(metric: string, trials: readonly Trial[]): Axis {
  const values = trials.map(({ value }) => value!);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return {
    name: metric,
    ...scaleOf(low, high, false),
    placeOf: ({ value }) => (value === null ? null : placeIn(low, high, false, value)),
  };
}

function scaleOf(low: number, high: number, isLog: boolean): Pick<Axis, 'isLog' | 'marks'> {
  const middle = isLog ? Math.sqrt(low * high) : (low + high) / 2;
  const marks =
    low === high
      ? [[formatNumber(low), 0.5] as const]
      : ([
          [formatNumber(low), 0],
          [formatNumber(middle), 0.5],
          [formatNumber(high), 1],
        ] as const);
  return { isLog, marks };
}

function placeIn(low: number, high: number, isLog: boolean, value: number): number {
  if (low === high) return 0.5;
  return isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** From pale to the blue of other figures' lines. */
function colour(good: number): string {
  const [pale, dark] = [
    [208, 220, 233],
    [31, 95, 158],
  ] as const;
  return `rgb(${pale.map((from, at) => Math.round(from + good * (dark[at]! - from))).join(' ')})`;
}

const round = (value: number) => Number(value.toFixed(1));
