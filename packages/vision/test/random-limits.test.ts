// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { EncodedRow } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import { HeaderIndex } from '../src/rows/header-index.js';
import { MediaRows } from '../src/rows/media-rows.js';
import { mropePositions } from '../src/tokens/mrope-positions.js';
import { mediaOf, rowSet, rowSettings, rowsIn, tokens } from './row-fixture.js';

const { pair } = rowsIn(fileURLToPath(new URL('../fixtures/images', import.meta.url)));
const turns = { start: 80, user: 81 };
/** A chat of one exchange per picture. */
const chat = (index: number, ...files: string[]): EncodedRow =>
  pair(index, files, [80, 70, ...files.flatMap(() => [80, 81, 90, 92, 91, 6, 80, 82, 7]), 80, 81, 8]);
const given = [
  chat(0),
  chat(1, 'rgb-28x28.png'),
  chat(2, 'rgb-320x240.png'),
  chat(3, 'rgb-320x240.png', 'jpeg-420.jpg', 'rgb-56x56.png'),
  chat(4, 'rgb-113x251.png', 'rgb-300x7.png'),
  chat(5, 'huge-4096x3072.png'),
  chat(6, 'rgb-70x70.png', 'rgb-70x70.png', 'rgb-70x70.png', 'rgb-70x70.png'),
  chat(7, 'wide-6000x40.png', 'rgb-28x28.png'),
];

/** Seeded: Lehmer's generator with Park and Miller's multiplier of 1993. */
function randomBelow(): (limit: number) => number {
  let seed = 7;
  return (limit) => (seed = (seed * 48271) % 2147483647) % limit;
}

describe('500 random length limits', () => {
  it('cut no picture; the rows that stay and the report add up to the rows that came', async () => {
    const random = randomBelow();
    const headers = await HeaderIndex.open(null);
    const whole = await MediaRows.prepare(rowSet(given), rowSettings({ fit: fit(1e6, 'dropRow') }), headers);
    const untouched = await whole.rows([...given.keys()]);
    const seen = { kept: 0, changed: 0, dropped: 0 };
    for (let round = 0; round < 500; round++) {
      const policy = (['shrink', 'dropTurns', 'dropRow'] as const)[random(3)]!;
      const maxLength = 14 + random(random(2) === 0 ? 60 : 1500);
      const settings = rowSettings({ fit: fit(maxLength, policy) });
      const prepared = await MediaRows.prepare(rowSet(given), settings, headers);
      const rows = await prepared.rows(Array.from({ length: prepared.length }, (_, at) => at));
      const reported = new Map(prepared.dropped.map(({ row, action }) => [row - 1, action]));
      expect(reported.size).toBe(prepared.dropped.length); // no row twice
      const gone = new Set([...reported].flatMap(([row, action]) => (action === 'dropped' ? [row] : [])));
      expect(rows.length + gone.size).toBe(given.length);
      const stayed = [...given.keys()].filter((row) => !gone.has(row));
      rows.forEach((row, at) => {
        const before = untouched[stayed[at]!]!;
        const { plans } = mediaOf(row);
        for (const { ids } of row.responses) {
          const all = Int32Array.from([...row.prompt, ...ids]);
          expect(all.length).toBeLessThanOrEqual(maxLength);
          mropePositions(all, plans, settings.mrope); // throws on a picture that was cut
        }
        expect(prepared.longestOf(at)).toBe(
          row.prompt.length + Math.max(...row.responses.map(({ ids }) => ids.length)),
        );
        const isChanged = reported.has(stayed[at]!);
        expect(sameIds(row, before)).toBe(!isChanged);
        seen[isChanged ? 'changed' : 'kept'] += 1;
      });
      seen.dropped += gone.size;
    }
    expect(seen.kept + seen.changed + seen.dropped).toBe(500 * given.length);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(300);
  });
});

function fit(maxLength: number, policy: 'shrink' | 'dropTurns' | 'dropRow') {
  return { maxLength, policy, tokens, turns };
}

const sameIds = (one: EncodedRow, other: EncodedRow) =>
  [one.prompt, ...one.responses.map(({ ids }) => ids)].join(';') ===
  [other.prompt, ...other.responses.map(({ ids }) => ids)].join(';');
