// SPDX-License-Identifier: Apache-2.0
import { formatNumber } from '@llmf/core';
import { escaped } from './escaped.js';
import { roundRange, ticks } from './ticks.js';

type Point = readonly [x: number, y: number];

export interface Series {
  readonly label: string;
  /** raw: thin and pale; line: thick; marked: a line with a dot at each point. */
  readonly style: 'raw' | 'line' | 'marked';
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Fixed ends of the y axis; left out, they follow from the points. */
  readonly range?: readonly [number, number];
}

const width = 960;
const panelHeight = 400;
const margin = { left: 92, right: 28, top: 76, bottom: 64 };
const colours = { raw: '#9ab8d8', line: '#1f5f9e', marked: '#c2410c' } as const;
/** More points than this cannot be told apart. */
const maxPoints = 1500;

/** Panels below each other over the same x axis, as an SVG document. */
export function figure(panels: readonly Panel[], xLabel: string): string {
  const height = panels.length * panelHeight;
  const xs = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(([x]) => x)));
  const xRange = rangeOfSteps(xs);
  const drawn = panels.map((panel, index) => drawPanel(panel, index * panelHeight, xRange, xLabel));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" role="img">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel(panel: Panel, offset: number, xRange: readonly [number, number], xLabel: string): string {
  const bottom = offset + panelHeight - margin.bottom;
  const top = offset + margin.top;
  const values = panel.series.flatMap(({ points }) => points.map(([, y]) => y));
  const yRange = panel.range ?? roundRange(values, 5);
  const x = scale(xRange, [margin.left, width - margin.right]);
  const y = scale(yRange, [bottom, top]);
  return [
    text(margin.left, offset + 30, panel.title, { size: 19, weight: 600 }),
    legend(panel.series, offset + 56),
    ...ticks(yRange[0], yRange[1], 5).map((value) => horizontalTick(y(value), value)),
    ...ticks(xRange[0], xRange[1], 8)
      .filter(Number.isInteger)
      .map((value) => verticalTick(x(value), bottom, value)),
    `<path d="M${margin.left} ${top}V${bottom}H${width - margin.right}" fill="none" stroke="#333333" stroke-width="1.5"/>`,
    text((margin.left + width - margin.right) / 2, bottom + 50, xLabel, { size: 16, anchor: 'middle' }),
    text(24, (top + bottom) / 2, panel.yLabel, { size: 16, anchor: 'middle', turned: true }),
    ...panel.series.map((series) => drawSeries(series, x, y)),
  ].join('\n');
}

function drawSeries({ style, points }: Series, x: Scale, y: Scale): string {
  const colour = colours[style];
  const places = thinned(points).map(([px, py]) => [round(x(px)), round(y(py))] as const);
  const isAlone = places.length === 1;
  const dots =
    style === 'marked' || isAlone
      ? places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="${isAlone ? 5 : 4}" fill="${colour}"/>`)
      : [];
  const line = `<path d="M${places.map((place) => place.join(' ')).join('L')}" fill="none" stroke="${colour}" stroke-width="${style === 'raw' ? 1.2 : 2.5}" stroke-linejoin="round"/>`;
  return [...(isAlone ? [] : [line]), ...dots].join('\n');
}

function legend(series: readonly Series[], y: number): string {
  let left = margin.left;
  return series
    .map(({ label, style }) => {
      const mark = `<path d="M${left} ${y - 5}h28" stroke="${colours[style]}" stroke-width="${style === 'raw' ? 2 : 3.5}"/>`;
      const entry = `${mark}${text(left + 36, y, label, { size: 15 })}`;
      left += 36 + label.length * 8.5 + 32;
      return entry;
    })
    .join('\n');
}

const horizontalTick = (y: number, value: number) =>
  `<path d="M${margin.left} ${round(y)}H${width - margin.right}" stroke="#e3e3e3"/>` +
  text(margin.left - 10, y + 5, formatNumber(value), { size: 15, anchor: 'end' });

const verticalTick = (x: number, bottom: number, value: number) =>
  `<path d="M${round(x)} ${bottom}v6" stroke="#333333"/>` +
  text(x, bottom + 25, String(value), { size: 15, anchor: 'middle' });

interface TextStyle {
  readonly size: number;
  readonly weight?: number;
  readonly anchor?: 'middle' | 'end';
  readonly turned?: boolean;
}

function text(x: number, y: number, content: string, { size, weight, anchor, turned }: TextStyle): string {
  const attributes = [
    `x="${round(x)}" y="${round(y)}" font-size="${size}" fill="#222222"`,
    weight === undefined ? '' : `font-weight="${weight}"`,
    anchor === undefined ? '' : `text-anchor="${anchor}"`,
    turned ? `transform="rotate(-90 ${round(x)} ${round(y)})"` : '',
  ];
  return `<text ${attributes.filter(Boolean).join(' ')}>${escaped(content)}</text>`;
}

type Scale = (value: number) => number;

const scale =
  ([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale =>
  (value) =>
    from + ((value - low) / (high - low)) * (to - from);

/** From 0 (or near the first step of a late start) to the last step; one step alone stands in the middle. */
function rangeOfSteps(xs: readonly number[]): [number, number] {
  const [low, high] = roundRange([...xs, 0], 8);
  return [Math.max(0, low), Math.max(high, 2)];
}

/** Keeps the lowest and the highest point of each of equal runs, so that spikes stay visible. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= maxPoints) return points;
  const run = Math.ceil((2 * points.length) / maxPoints);
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += run) {
    const part = points.slice(start, start + run);
    const lowest = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const highest = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(lowest === highest ? [lowest] : [lowest, highest].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}

const round = (value: number) => Number(value.toFixed(1));
