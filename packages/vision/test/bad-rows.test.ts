// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EncodedRow } from '@llmf/training';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultImageLimits } from '../src/header/image-header.js';
import type { MediaRowSettings } from '../src/rows/media-row-settings.js';
import { PatchStore } from '../src/rows/patch-store.js';
import { badBytes, fixture, patched, svg, uint32, undecodable } from './bad-files.js';
import { image, media, prepare, rowSettings, rowsIn } from './row-fixture.js';

const root = mkdtempSync(join(tmpdir(), 'llmf-bad-'));
afterAll(() => rmSync(root, { recursive: true }));
const folder = join(root, 'data');
mkdirSync(join(folder, 'sub'), { recursive: true });
mkdirSync(join(folder, 'no-frames'));
const write = (name: string, bytes: Uint8Array) => (writeFileSync(join(folder, name), bytes), name);
write('good.png', fixture('rgb-28x28.png'));
writeFileSync(join(root, 'secret.png'), fixture('rgb-28x28.png'));
symlinkSync(join(root, 'secret.png'), join(folder, 'link.png'));

const { pair } = rowsIn(folder);
const good = (index: number) => pair(index, ['good.png']);

/** A row that cannot be trained on, the code that says why, and settings that matter to it. */
type BadRow = [name: string, row: EncodedRow, code: string, changes?: Partial<MediaRowSettings>];

const remote = { maxBytes: 20_000, timeoutMs: 500, maxRedirects: 3 };
const online = { access: { ...rowSettings().access, remote } };
const decoding = { access: rowSettings().access, store: new PatchStore(media, { folder: null, memoryBytes: 0 }) };
const decodeFirst = async (plan: Parameters<PatchStore['prepare']>[0]) =>
  decoding.store.prepare(plan, { ...decoding.access, folder });

const files: BadRow[] = badBytes.map(([name, bytes, code, limits], at) => {
  const own = { ...image, limits: { ...defaultImageLimits, ...limits } };
  return [name, pair(1, [write(`bytes-${at}.jpg`, bytes)]), code, { media: { image: own, video: own } }];
});
const cutFiles: BadRow[] = undecodable.map(([name, bytes], at) => {
  const isCut = name.includes('cut');
  const row = pair(1, [write(`pixels-${at}.jpg`, bytes)]);
  return [name, row, 'DECODE_FAILED', isCut ? {} : { decodeFirst }];
});
const thin = write('thin.png', patched('rgb-28x28.png', 16, ...uint32(402), ...uint32(2)));
const references: BadRow[] = (
  [
    ['nothing', null, 'MEDIA_REFERENCE'],
    ['an empty path', '', 'MEDIA_REFERENCE'],
    ['a number', 7, 'MEDIA_REFERENCE'],
    ['an empty object', {}, 'MEDIA_REFERENCE'],
    ['a file URL elsewhere', 'file:///etc/passwd', 'OUTSIDE_FOLDER'],
    ['an FTP URL', 'ftp://example.org/a.png', 'URL_SCHEME'],
    ['a data URL of text', 'data:text/plain;base64,aGk=', 'DATA_URL'],
    ['a data URL of SVG', `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`, 'SVG'],
    ['a data URL of a cut picture', dataUrl(fixture('jpeg-420.jpg').subarray(0, 2000)), 'DECODE_FAILED'],
    ['a picture of 402 × 2', thin, 'ASPECT_RATIO'],
    ['a missing file', 'none.png', 'FILE_MISSING'],
    ['a folder', 'sub', 'FILE_UNREADABLE'],
    ['a way up and out', '../secret.png', 'OUTSIDE_FOLDER'],
    ['an absolute path elsewhere', '/etc/hostname', 'OUTSIDE_FOLDER'],
    ['a link that leads out', 'link.png', 'OUTSIDE_FOLDER'],
    ['a path with a zero byte', 'a\0b.png', 'FILE_UNREADABLE'],
    ['a URL where none is allowed', 'https://example.org/a.png', 'URL_NOT_ALLOWED'],
    ['a URL to this machine', 'http://127.0.0.1/a.png', 'PRIVATE_ADDRESS', online],
    ['a URL to the local network', 'http://192.168.0.1/a.png', 'PRIVATE_ADDRESS', online],
    ['a URL to the cloud’s metadata', 'http://169.254.169.254/latest/meta-data/', 'PRIVATE_ADDRESS', online],
    ['a URL to this machine as a number', 'http://2130706433/a.png', 'PRIVATE_ADDRESS', online],
  ] as const
).map(([name, value, code, changes]) => [name, pair(1, [value]), code, changes]);
const counts: BadRow[] = [
  ['a placeholder without a picture', pair(1, [], [1, 90, 92, 91, 2]), 'PLACEHOLDER_COUNT'],
  ['a picture without a placeholder', pair(1, ['good.png'], [1, 2]), 'PLACEHOLDER_COUNT'],
  ['two placeholders, one picture', pair(1, ['good.png'], [1, 90, 92, 91, 90, 92, 91, 2]), 'PLACEHOLDER_COUNT'],
  ['a film for a picture', pair(1, ['good.png'], [1, 90, 93, 91, 2]), 'PLACEHOLDER_COUNT'],
  ['as many pads as another size has', pair(1, ['good.png'], [1, 90, 92, 92, 91, 2]), 'TOKEN_RUN'],
  ['a film without frames', pair(1, ['no-frames'], [1, 90, 93, 91, 2], 'video'), 'VIDEO_FRAMES'],
  ['a film that is a file', pair(1, ['good.png'], [1, 90, 93, 91, 2], 'video'), 'VIDEO_FRAMES'],
  ['a film outside', pair(1, ['..'], [1, 90, 93, 91, 2], 'video'), 'OUTSIDE_FOLDER'],
];
const badRows = [...files, ...cutFiles, ...references, ...counts];

function dataUrl(bytes: Uint8Array): string {
  return `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}`;
}

describe('rows with bad media', () => {
  it('are shown in at least 40 kinds', () => expect(badRows.length).toBeGreaterThanOrEqual(40));

  it.each(badRows)('%s: ends the run before its first step with a coded error', async (_, row, code, changes) => {
    const preparing = prepare([good(0), row, good(2)], { ...changes, onBadMedia: 'error' });
    await expect(preparing).rejects.toMatchObject({ code: `LLMF_VISION_${code}` });
  });

  it.each(badRows)('%s: is dropped and reported, and nothing else is', async (_, row, code, changes) => {
    const rows = await prepare([good(0), row, good(2)], { ...changes, onBadMedia: 'drop' });
    expect(rows.dropped).toHaveLength(1);
    expect(rows.dropped[0]).toMatchObject({ source: 'rows.jsonl', row: 2, action: 'dropped' });
    expect(rows.dropped[0]!.reason).toContain(`LLMF_VISION_${code}`);
    expect(rows.length).toBe(2);
  });

  it('that only look bad are kept: a wrong extension, bytes behind the picture', async () => {
    const trailing = Buffer.concat([fixture('jpeg-420.jpg'), Buffer.from('a camera’s own notes')]);
    const names = [write('jpeg.png', fixture('jpeg-420.jpg')), write('trailing.jpg', trailing)];
    const rows = await prepare(
      names.map((name, index) => pair(index, [name])),
      { onBadMedia: 'error' },
    );
    expect([rows.length, rows.dropped]).toEqual([2, []]);
  });
});
