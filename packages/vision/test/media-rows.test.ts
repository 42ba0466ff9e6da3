// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EncodedRow } from '@llmf/training';
import { collate } from '@llmf/data';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { placeMedia } from '../src/batch/place-media.js';
import { cutPatches, tokenCount } from '../src/processor/patches.js';
import { HeaderIndex } from '../src/rows/header-index.js';
import { planTokens } from '../src/rows/media-plan.js';
import type { MediaRowSettings } from '../src/rows/media-row-settings.js';
import { MediaRows } from '../src/rows/media-rows.js';
import { PatchStore } from '../src/rows/patch-store.js';
import { mropePositions } from '../src/tokens/mrope-positions.js';
import { image, media, mediaOf, prepare, rowSet, rowSettings, rowsIn, tokens } from './row-fixture.js';

const root = mkdtempSync(join(tmpdir(), 'llmf-rows-'));
const images = join(root, 'images');
cpSync(fileURLToPath(new URL('../fixtures/images', import.meta.url)), images, { recursive: true });
afterAll(() => rmSync(root, { recursive: true }));

const { given, pair } = rowsIn(images);

describe('MediaRows', () => {
  it('expands pads from headers alone, counts tokens, sets positions', async () => {
    // 320 × 240 → 308 × 252 pixels: 11 × 9 tokens
    const rows = await prepare([pair(0, ['rgb-320x240.png', 'rgb-28x28.png'])]);
    const [row] = await rows.rows([0]);
    expect(row!.prompt.length).toBe(2 + 2 * 2 + 99 + 4);
    expect(rows.tokensOf(0)).toBe(2 + 2 * 2 + 99 + 4 + 5);
    const { plans, uses, positions } = mediaOf(row!);
    expect(plans.map(({ size }) => size.width)).toEqual([320, 28]);
    expect(uses).toEqual([2, 0, 0]);
    const whole = mropePositions(row!.prompt, plans, rowSettings().mrope);
    expect(positions.prompt).toEqual(whole.positions);
    expect(positions.responses.map(([time]) => time[0])).toEqual([whole.next, whole.next]);
  });

  it('keeps ids that came expanded, and refuses those of another size', async () => {
    const expanded = (count: number) => [1, 90, ...Array<number>(count).fill(92), 91, 2];
    const rows = await prepare([pair(0, ['rgb-320x240.png'], expanded(99))]);
    expect((await rows.rows([0]))[0]!.prompt).toEqual(Int32Array.from(expanded(99)));
    await expect(prepare([pair(0, ['rgb-320x240.png'], expanded(98))], { onBadMedia: 'error' })).rejects.toThrow(
      /LLMF_VISION_TOKEN_RUN[^]*98 tokens[^]*99 tokens/,
    );
  });

  it('drops rows with bad media by setting, says why, and renumbers the rest', async () => {
    writeFileSync(join(images, 'broken.jpg'), 'no image');
    const all = [
      pair(0, ['rgb-28x28.png']),
      pair(1, ['broken.jpg']),
      pair(2, ['missing.png']),
      pair(3, ['../outside.png']),
      pair(4, ['rgb-28x28.png'], [1, 2]),
      pair(5, ['rgb-56x56.png']),
    ];
    const rows = await prepare(all);
    expect(rows.length).toBe(2);
    expect((await rows.rows([0, 1])).map(({ index, prompt }) => [index, prompt.length])).toEqual([
      [0, 8],
      [1, 8],
    ]);
    expect(rows.dropped.map(({ row, reason }) => [row, /LLMF_VISION_(\w+)/.exec(reason)?.[1]])).toEqual([
      [2, 'UNKNOWN_FORMAT'],
      [3, 'FILE_MISSING'],
      [4, 'OUTSIDE_FOLDER'],
      [5, 'PLACEHOLDER_COUNT'],
    ]);
    await expect(prepare(all, { onBadMedia: 'error' })).rejects.toMatchObject({ code: 'LLMF_VISION_UNKNOWN_FORMAT' });
    await expect(prepare([all[1]!])).rejects.toMatchObject({ code: 'LLMF_VISION_NO_ROWS_LEFT' });
  });

  it('changes its fingerprint with the picture, the limits and the policy, and with nothing else', async () => {
    const print = async (changes: Partial<MediaRowSettings> = {}) =>
      (await prepare([pair(0, ['rgb-70x70.png'])], changes)).fingerprint;
    const first = await print();
    expect(await print()).toBe(first);
    const limited = { ...image, processor: { ...image.processor, maxPixels: 5000 } };
    expect(await print({ media: { image: limited, video: image } })).not.toBe(first);
    expect(await print({ fit: { ...rowSettings().fit, maxLength: 999 } })).not.toBe(first);
    expect(await print({ onBadMedia: 'error' })).toBe(first);
    cpSync(join(images, 'rgb-56x56.png'), join(images, 'rgb-70x70.png'));
    expect(await print()).not.toBe(first);
  });

  it('opens every file once, and none when their headers are remembered', async () => {
    const file = join(root, 'headers.jsonl');
    const rows = Array.from({ length: 600 }, (_, index) =>
      pair(index, ['rgb-28x28.png', `rgb-${index % 2 === 0 ? '42x42' : '55x57'}.png`]),
    );
    const first = await HeaderIndex.open(file);
    await MediaRows.prepare(rowSet(rows), rowSettings(), first);
    expect(first.opened).toBe(3);
    const second = await HeaderIndex.open(file);
    await MediaRows.prepare(rowSet(rows), rowSettings(), second);
    expect(second.opened).toBe(0);
    utimesSync(join(images, 'rgb-28x28.png'), 1, 1);
    const third = await HeaderIndex.open(file);
    await MediaRows.prepare(rowSet(rows), rowSettings(), third);
    expect(third.opened).toBe(1);
  });

  it('knows files again that were copied to another place at another time', async () => {
    const row = () => pair(0, ['rgb-28x28.png', 'rgb-42x42.png']);
    const before = (await prepare([row()])).fingerprint;
    const other = join(root, 'moved');
    cpSync(images, other, { recursive: true });
    utimesSync(join(other, 'rgb-28x28.png'), 1, 1);
    expect((await prepare([row()], { folder: other })).fingerprint).toBe(before);
  });

  it('looks at files while it is prepared, and not again when rows are read', async () => {
    const headers = await HeaderIndex.open(null);
    const look = vi.spyOn(headers, 'look');
    const given = [pair(0, ['rgb-28x28.png']), pair(1, ['rgb-42x42.png'])];
    const contrast = { kind: 'other', seed: 1 } as const;
    const rows = await MediaRows.prepare(rowSet(given), rowSettings({ contrast }), headers);
    expect(look).toHaveBeenCalledTimes(2);
    expect((await rows.rows([1, 0])).map((row) => mediaOf(row).contrast!.prompt.length)).toEqual([8, 8]);
    await rows.rowsWithOtherMedia([0, 1]);
    expect(look).toHaveBeenCalledTimes(2);
  });

  it('gives rows as they were found to fit: shrunk, without old exchanges, answers cut', async () => {
    const turns = { start: 70, user: 71 };
    const two = [70, 71, 90, 92, 91, 70, 72, 5, 70, 71, 90, 92, 91, 70, 72];
    const fitOf = (maxLength: number, policy: 'shrink' | 'dropTurns') => ({
      fit: { ...rowSettings().fit, maxLength, policy, turns },
    });
    for (const [maxLength, policy, large] of [
      [14, 'dropTurns', 'rgb-56x56.png'],
      [40, 'shrink', 'rgb-320x240.png'],
    ] as const) {
      const rows = await prepare([pair(0, [large, 'rgb-42x42.png'], two)], fitOf(maxLength, policy));
      const [row] = await rows.rows([0]);
      const longest = row!.prompt.length + Math.max(...row!.responses.map(({ ids }) => ids.length));
      expect([policy, longest]).toEqual([policy, rows.longestOf(0)]);
      expect(longest).toBeLessThanOrEqual(maxLength);
      expect(mediaOf(row!).plans).toHaveLength(policy === 'dropTurns' ? 1 : 2);
    }
  });

  it('reads no pixels: damage behind the header does not show', async () => {
    const bytes = readFileSync(join(images, 'rgb-113x251.png'));
    bytes.fill(0xaa, 3000, 3040);
    writeFileSync(join(images, 'damaged.png'), bytes);
    expect((await prepare([pair(0, ['damaged.png'])], { onBadMedia: 'error' })).length).toBe(1);
  });

  it('tells files apart that are alike in length, time, beginning and end', async () => {
    const bytes = readFileSync(join(images, 'rgb-320x240.png'));
    const names = ['one.png', 'other.png'];
    names.forEach((name, at) => {
      bytes[bytes.length >> 1] = at;
      writeFileSync(join(images, name), bytes);
      utimesSync(join(images, name), 1, 1);
    });
    const rows = await prepare(names.map((name, index) => pair(index, [name])));
    const [one, other] = (await rows.rows([0, 1])).map((row) => mediaOf(row).plans[0]!.identity);
    expect(one).not.toBe(other);
  });

  it('notices any frame of a video that has other content, whenever it was written', async () => {
    const clip = join(images, 'changing');
    for (let frame = 1; frame <= 3; frame++)
      cpSync(join(images, 'rgb-56x56.png'), join(clip, `f${frame}.png`), { recursive: true });
    const row: EncodedRow = { ...pair(0, [], [90, 93, 91]), media: [given('changing', 'video')] };
    const before = (await prepare([row])).fingerprint;
    expect((await prepare([row])).fingerprint).toBe(before);
    utimesSync(join(clip, 'f3.png'), 1, 1);
    expect((await prepare([row])).fingerprint).toBe(before);
    cpSync(join(images, 'rgb-28x28.png'), join(clip, 'f3.png'));
    expect((await prepare([row])).fingerprint).not.toBe(before);
  });

  it('reads a folder of frames as a video', async () => {
    const clip = join(images, 'clip');
    for (let frame = 1; frame <= 5; frame++)
      cpSync(join(images, 'rgb-56x56.png'), join(clip, `f${frame}.png`), { recursive: true });
    const row: EncodedRow = { ...pair(0, [], [90, 93, 91]), media: [given('clip', 'video')] };
    const [made] = await (await prepare([row])).rows([0]);
    const [plan] = mediaOf(made!).plans;
    // 3 of 5 frames make 2 temporal patches of 2 × 2 tokens; 5 frames at 2 per second last 2.5 s, so a frame stands for 5/6 s.
    expect([plan!.frames, plan!.grid]).toEqual([3, { t: 2, h: 4, w: 4 }]);
    expect(plan!.secondsPerPatch).toBeCloseTo(5 / 3, 12);
    expect(made!.prompt.length).toBe(10);
    const store = new PatchStore(media, { folder: null, memoryBytes: 1e6 });
    const frames = await store.frames(plan!, { ...rowSettings().access, folder: images });
    expect(cutPatches(frames, image.processor).grid).toEqual(plan!.grid);
  });
});

describe('PatchStore', () => {
  it('decodes each picture once, whatever the order, and finds it again on disk', async () => {
    const [row] = await (await prepare([pair(0, ['rgb-320x240.png', 'jpeg-420.jpg'])])).rows([0]);
    const access = { ...rowSettings().access, folder: images };
    const options = { folder: join(root, 'pictures'), memoryBytes: 1 }; // memory holds only the latest
    const store = new PatchStore(media, options);
    const { plans } = mediaOf(row!);
    const frames = [];
    for (const plan of [...plans, ...plans]) frames.push(await store.frames(plan, access));
    expect(store.decoded).toBe(2);
    expect(frames[2]![0]!.data).toEqual(frames[0]![0]!.data);
    const later = new PatchStore(media, options);
    expect((await later.frames(plans[0]!, access))[0]!.data).toEqual(frames[0]![0]!.data);
    expect(later.decoded).toBe(0);
  });
});

describe('a picture that changes after it was looked at', () => {
  it('is refused where it has another size', async () => {
    cpSync(join(images, 'rgb-56x56.png'), join(images, 'growing.png'));
    const [row] = await (await prepare([pair(0, ['growing.png'])])).rows([0]);
    cpSync(join(images, 'rgb-320x240.png'), join(images, 'growing.png'));
    const store = new PatchStore(media, { folder: null, memoryBytes: 1e6 });
    const loading = store.frames(mediaOf(row!).plans[0]!, { ...rowSettings().access, folder: images });
    await expect(loading).rejects.toMatchObject({ code: 'LLMF_VISION_MEDIA_CHANGED' });
  });
});

describe('placeMedia', () => {
  it.each([true, false])(
    'puts each distinct picture once and every token in its place (prompt once: %s)',
    async (promptOnce) => {
      const rows = await (
        await prepare([
          pair(0, ['rgb-320x240.png', 'rgb-28x28.png']),
          pair(1, []),
          { ...pair(2, ['rgb-28x28.png']), responses: pair(2, []).responses.slice(0, 1) },
        ])
      ).rows([0, 1, 2]);
      const batch = collate(rows, { promptOnce });
      const { plans, sources, positions } = placeMedia(batch, rows.map(mediaOf), tokens, (plan) =>
        planTokens(plan, media),
      );
      expect(plans.map(({ size }) => size.width)).toEqual([320, 28]);
      const counts = plans.map(({ grid }) => tokenCount(grid, 2)); // 99 and 4
      const firsts = [0, counts[0]!];
      // Every run of pads takes consecutive embeddings from its picture's first on.
      const starts: number[] = [];
      batch.ids.forEach((id, at) => {
        if (id !== tokens.image) return expect(sources[at]).toBe(-1);
        if (batch.ids[at - 1] === tokens.image) return expect(sources[at]).toBe(sources[at - 1]! + 1);
        starts.push(firsts.indexOf(sources[at]!));
      });
      expect(starts).toEqual(promptOnce ? [0, 1, 1] : [0, 1, 0, 1, 1]);
      // Each answer's positions are those of the prompt with that answer alone.
      const alone = rows.flatMap((row) =>
        row.responses.map(
          ({ ids }) =>
            mropePositions(Int32Array.from([...row.prompt, ...ids]), mediaOf(row).plans, rowSettings().mrope).positions,
        ),
      );
      const found = batch.segments
        .filter((_, at) => !batch.segments.some(({ prefix }) => prefix === at))
        .map(({ start, length, prefix }) =>
          positions.map((axis) => [
            ...(prefix === undefined
              ? []
              : axis.subarray(
                  batch.segments[prefix]!.start,
                  batch.segments[prefix]!.start + batch.segments[prefix]!.length,
                )),
            ...axis.subarray(start, start + length),
          ]),
        );
      expect(found).toEqual(alone.map((axes) => axes.map((axis) => [...axis])));
    },
  );
});
