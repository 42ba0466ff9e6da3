// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { framePaths } from './video-frames.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'llmf-frames-')));
for (const name of ['2.png', '10.png', '1.png']) writeFileSync(join(folder, name), '');
const access = { folder, outsideFolder: false, remote: null, cacheFolder: null };
const names = (paths: readonly string[]) => paths.map((path) => path.slice(folder.length + 1));

it.each([
  ['a folder, in the order of its numbers', '.', ['1.png', '2.png', '10.png']],
  ['a list of pictures, in its own order', ['10.png', '1.png'], ['10.png', '1.png']],
  ['a list of file URLs', [`file://${folder}/2.png`], ['2.png']],
  ['a part', { type: 'video', video: ['2.png', '2.png'], fps: null }, ['2.png', '2.png']],
])('a film may be %s', async (_, value, frames) => expect(names(await framePaths(value, access))).toEqual(frames));

it.each([
  ['what else a part says of it', { video: ['1.png'], fps: 2 }, 'MEDIA_KEY'],
  ['an empty list', [], 'MEDIA_REFERENCE'],
  ['a frame that is a data URL', ['data:image/png;base64,aGk='], 'VIDEO_FRAMES'],
  ['a frame outside of the folder', ['../1.png'], 'OUTSIDE_FOLDER'],
])('a film may not be %s', async (_, value, code) => {
  await expect(framePaths(value, access)).rejects.toMatchObject({ code: `LLMF_VISION_${code}` });
});
