// SPDX-License-Identifier: Apache-2.0
// Lines over a logarithmic axis as an SVG that can be read on light and dark pages.

const size = { width: 640, height: 360 };
const inner = { left: 64, right: 620, top: 44, bottom: 312 };
const colors = ['#2f6fde', '#d9702b', '#3b9d5c', '#9a57c9'];

/**
 * @param lines each with a name and points [x, y], x above 0 and y from 0 on
 * @returns the SVG's text
 */
export function linePlot({ title, xLabel, yLabel, lines }) {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].toSorted((a, b) => a - b);
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const step = roundStep(most / 5);
  const top = Math.ceil(most / step) * step;
  const [low, high] = [Math.log(xs[0]), Math.log(xs.at(-1))];
  const across = (x) => inner.left + ((Math.log(x) - low) / (high - low || 1)) * (inner.right - inner.left);
  const up = (y) => inner.bottom - (y / top) * (inner.bottom - inner.top);
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, at) => Number((at * step).toPrecision(6)));
  const parts = [
    text(inner.left, 22, title, 'font-weight="600"'),
    ...levels.flatMap((y) => [
      `<path d="M${inner.left} ${up(y).toFixed(1)}H${inner.right}" stroke="#8884" fill="none"/>`,
      text(inner.left - 8, up(y) + 4, y.toLocaleString('en'), 'text-anchor="end"'),
    ]),
    ...xs.map((x) => text(across(x), inner.bottom + 18, x.toLocaleString('en'), 'text-anchor="middle"')),
    text((inner.left + inner.right) / 2, size.height - 10, xLabel, 'text-anchor="middle"'),
    text(inner.left, 38, yLabel, 'font-size="11"'),
    ...lines.flatMap((line, at) => lineParts(line, colors[at % colors.length], across, up)),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12" fill="#777">`,
    `<title>${escaped(title)}</title>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function lineParts({ name, points }, color, across, up) {
  const places = points.map(([x, y]) => [across(x).toFixed(1), up(y).toFixed(1)]);
  const [endX, endY] = places.at(-1);
  return [
    `<path d="M${places.map((place) => place.join(' ')).join('L')}" stroke="${color}" stroke-width="2" fill="none"/>`,
    ...places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`),
    text(Number(endX), Number(endY) - 8, name, `text-anchor="end" style="fill:${color}"`),
  ];
}

const text = (x, y, words, attributes) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped(words)}</text>`;

const escaped = (words) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function roundStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
}
