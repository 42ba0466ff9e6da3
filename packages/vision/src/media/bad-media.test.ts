// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../decode/decode-image.js';
import { memorySource } from '../header/byte-source.js';
import { defaultImageLimits, readImageHeader } from '../header/image-header.js';
import { processVideo, videoFrames } from '../processor/process-video.js';
import { defaultProcessorConfig } from '../processor/processor-config.js';
import { readGrid } from '../processor/process-image.js';
import { badBytes, fixture, patched, svg, uint32, undecodable } from '../../test/bad-files.js';
import { fetchRemote, type Network, type RemoteLimits } from './fetch-remote.js';
import { mediaReference } from './media-reference.js';
import { openMedia, type MediaAccess } from './open-media.js';
import { isPrivateAddress } from './private-address.js';

const settings = {
  processor: defaultProcessorConfig,
  preResize: null,
  exif: 'ignore',
  limits: defaultImageLimits,
} as const;

describe('bad files', () => {
  it.each(badBytes)('%s: LLMF_VISION_%3$s', async (_, bytes, code, limits) => {
    const source = memorySource(bytes, 'pictures/x.jpg');
    const reading = readImageHeader(source, { ...defaultImageLimits, ...limits });
    await expect(reading).rejects.toMatchObject({ code: `LLMF_VISION_${code}` });
    await expect(reading).rejects.toThrow('pictures/x.jpg');
  });

  it.each(undecodable)('%s is refused when it is decoded', async (_, bytes) => {
    const source = memorySource(bytes, 'pictures/x.jpg');
    await readImageHeader(source);
    const decoding = decodeImage(source, { exif: 'ignore' });
    await expect(decoding).rejects.toMatchObject({ code: 'LLMF_VISION_DECODE_FAILED' });
    await expect(decoding).rejects.toThrow('pictures/x.jpg');
  });

  it('a wrong extension does not matter: the content is looked at', async () => {
    const { width, height } = await decodeImage(memorySource(fixture('jpeg-420.jpg'), 'x.png'), { exif: 'ignore' });
    expect([width, height]).toEqual([203, 151]);
  });

  it('a picture thinner than 1 : 200 is refused with its size', async () => {
    const thin = memorySource(patched('rgb-28x28.png', 16, ...uint32(402), ...uint32(2)), 'x.png');
    await expect(readGrid(thin, settings)).rejects.toThrow(/LLMF_VISION_ASPECT_RATIO[^]*402 × 2/);
  });
});

describe('bad references', () => {
  it.each([
    ['nothing', null, 'MEDIA_REFERENCE'],
    ['an empty path', '', 'MEDIA_REFERENCE'],
    ['a number', 7, 'MEDIA_REFERENCE'],
    ['an empty object', {}, 'MEDIA_REFERENCE'],
    ['a size that is not applied', { image: 'a.png', resized_height: 28 }, 'MEDIA_KEY'],
    ['a list', ['a.png'], 'MEDIA_REFERENCE'],
    ['an FTP URL', 'ftp://example.org/a.png', 'URL_SCHEME'],
    ['a data URL without a comma', 'data:image/png;base64', 'DATA_URL'],
    ['a data URL of text', 'data:text/plain;base64,aGk=', 'DATA_URL'],
    ['a data URL that is not base64', 'data:image/png,abc', 'DATA_URL'],
    ['a data URL of other characters', 'data:image/png;base64,?*!', 'DATA_URL'],
    ['a data URL of SVG', 'data:image/svg+xml;base64,PHN2Zz4=', 'SVG'],
  ])('%s', (_, value, code) => {
    expect(() => mediaReference(value)).toThrow(expect.objectContaining({ code: `LLMF_VISION_${code}` }));
  });

  it('understands paths, URLs, bytes and content parts', () => {
    expect(mediaReference('a/b.png')).toEqual({ from: 'path', path: 'a/b.png' });
    expect(mediaReference({ path: 'b.png', bytes: null })).toEqual({ from: 'path', path: 'b.png' });
    expect(mediaReference({ type: 'image_url', image_url: { url: 'https://example.org/a.png' } })).toEqual({
      from: 'url',
      url: 'https://example.org/a.png',
    });
    expect(mediaReference('file:///data/a%20b.png')).toEqual({ from: 'path', path: '/data/a b.png' });
  });

  it.each([
    ['a data URL', 'data:image/gif;base64,R0lG'],
    ['Qwen’s data URL', 'data:image;base64,R0lG'],
    ['bytes', Uint8Array.from([71, 73, 70])],
    ['bytes beside the path they came from', { bytes: Uint8Array.from([71, 73, 70]), path: 'elsewhere.png' }],
    ['bytes as base64', { bytes: 'R0lG' }],
    ['a source', { source: { type: 'base64', media_type: 'image/gif', data: 'R0lG' } }],
  ])('takes the bytes of %s', (_, value) =>
    expect(mediaReference(value)).toMatchObject({ from: 'bytes', bytes: Uint8Array.from([71, 73, 70]) }),
  );
});

describe('paths', () => {
  const root = mkdtempSync(join(tmpdir(), 'llmf-media-'));
  const folder = join(root, 'data');
  const access: MediaAccess = { folder, outsideFolder: false, remote: null, cacheFolder: null };
  const openPath = (path: string, changes: Partial<MediaAccess> = {}) =>
    openMedia({ from: 'path', path }, { ...access, ...changes });
  beforeAll(() => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(root, 'secret.png'), fixture('rgb-28x28.png'));
    writeFileSync(join(folder, 'sub', 'in.png'), fixture('rgb-28x28.png'));
    symlinkSync(join(root, 'secret.png'), join(folder, 'link.png'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it.each([
    ['a missing file', 'none.png', 'FILE_MISSING'],
    ['a folder', 'sub', 'FILE_UNREADABLE'],
    ['a way up and out', '../secret.png', 'OUTSIDE_FOLDER'],
    ['an absolute path elsewhere', '/etc/hostname', 'OUTSIDE_FOLDER'],
    ['a link that leads out', 'link.png', 'OUTSIDE_FOLDER'],
    ['a way through a file', 'sub/in.png/x.png', 'FILE_MISSING'],
    ['a path with a zero byte', 'a\0b.png', 'FILE_UNREADABLE'],
  ])('%s', async (_, path, code) => {
    await expect(openPath(path)).rejects.toMatchObject({ code: `LLMF_VISION_${code}` });
  });

  it('opens relative and absolute paths inside the folder, and outside ones when allowed', async () => {
    for (const path of ['sub/in.png', './sub/../sub/in.png', join(folder, 'sub/in.png')]) {
      const source = await openPath(path);
      expect((await readImageHeader(source)).width).toBe(28);
      await source.close();
    }
    const outside = await openPath('../secret.png', { outsideFolder: true });
    expect(outside.size).toBe(fixture('rgb-28x28.png').length);
    await outside.close();
  });

  it('fetches nothing unless the network is allowed', async () => {
    const opening = openMedia({ from: 'url', url: 'https://example.org/a.png' }, access);
    await expect(opening).rejects.toMatchObject({ code: 'LLMF_VISION_URL_NOT_ALLOWED' });
  });

  it('refuses a video of frames of several sizes, and a folder without images', async () => {
    mkdirSync(join(folder, 'clip'));
    await expect(videoFrames(join(folder, 'clip'))).rejects.toMatchObject({ code: 'LLMF_VISION_VIDEO_FRAMES' });
    await expect(videoFrames(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'LLMF_VISION_VIDEO_FRAMES' });
    writeFileSync(join(folder, 'clip', 'f10.png'), fixture('rgb-28x28.png'));
    writeFileSync(join(folder, 'clip', 'f9.png'), fixture('rgb-56x56.png'));
    const frames = await videoFrames(join(folder, 'clip'));
    expect(frames.map((path) => path.slice(-7))).toEqual(['/f9.png', 'f10.png']);
    await expect(processVideo(frames, settings)).rejects.toMatchObject({ code: 'LLMF_VISION_VIDEO_FRAMES' });
  });
});

describe('remote images', () => {
  const limits: RemoteLimits = { maxBytes: 20_000, timeoutMs: 1500, maxRedirects: 3 };
  let server: Server;
  let port: number;
  let served: string[];
  /** Names lead where the test says; only the test's own server counts as public. */
  const network = (names: Record<string, string>): Network => ({
    lookup: ((name: string, _: unknown, done: (e: Error | null, all?: unknown) => void) => {
      const address = names[name];
      if (address === undefined) done(new Error(`getaddrinfo ENOTFOUND ${name}`));
      else done(null, [{ address, family: 4 }]);
    }) as unknown as Network['lookup'],
    isPrivate: (address) => address !== '127.0.0.1' && isPrivateAddress(address),
  });
  const pictures = network({
    'pictures.test': '127.0.0.1',
    'inside.test': '192.168.1.7',
    'metadata.test': '169.254.169.254',
  });
  const url = (path: string, host = 'pictures.test') => `http://${host}:${port}${path}`;

  beforeAll(async () => {
    served = [];
    server = createServer((request, response) => {
      served.push(request.url!);
      const png = fixture('rgb-28x28.png');
      const to = (location: string) => response.writeHead(302, { location }).end();
      const routes: Record<string, () => unknown> = {
        '/ok.png': () => response.writeHead(200, { 'content-type': 'image/png' }).end(png),
        '/moved': () => to('/ok.png'),
        '/loop': () => to('/loop'),
        '/to-nowhere': () => to('http://['),
        '/to-private': () => to('http://10.1.2.3/x.png'),
        '/to-inside': () => to(`http://inside.test:${port}/ok.png`),
        '/to-file': () => to('file:///etc/passwd'),
        '/page': () => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
        '/svg': () => response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(svg),
        '/large': () =>
          response.writeHead(200, { 'content-type': 'image/png', 'content-length': 30_000 }).end(Buffer.alloc(30_000)),
        '/endless': () => {
          response.writeHead(200, { 'content-type': 'image/png' });
          response.write(Buffer.alloc(15_000));
          response.write(Buffer.alloc(15_000));
        },
        '/slow': () => response.writeHead(200, { 'content-type': 'image/png' }).flushHeaders(),
      };
      (routes[request.url!] ?? (() => response.writeHead(404).end()))();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('fetches an image, also after a redirect', async () => {
    for (const path of ['/ok.png', '/moved']) {
      expect(Buffer.from(await fetchRemote(url(path), limits, pictures))).toEqual(fixture('rgb-28x28.png'));
    }
  });

  it('fetches once and keeps the file when there is a cache', async () => {
    const cacheFolder = mkdtempSync(join(tmpdir(), 'llmf-remote-'));
    // The real network refuses the test's server, so a kept file is the only way to an answer.
    const access: MediaAccess = { folder: cacheFolder, outsideFolder: false, remote: limits, cacheFolder };
    const reference = { from: 'url', url: url('/ok.png', '127.0.0.1') } as const;
    await expect(openMedia(reference, access)).rejects.toMatchObject({ code: 'LLMF_VISION_PRIVATE_ADDRESS' });
    const { createHash } = await import('node:crypto');
    writeFileSync(
      join(cacheFolder, createHash('sha256').update(reference.url).digest('hex')),
      fixture('rgb-28x28.png'),
    );
    const source = await openMedia(reference, access);
    expect(source.size).toBe(fixture('rgb-28x28.png').length);
    await source.close();
    rmSync(cacheFolder, { recursive: true });
  });

  it.each([
    ['a redirect to a private address', '/to-private', 'PRIVATE_ADDRESS'],
    ['a redirect to a name inside', '/to-inside', 'PRIVATE_ADDRESS'],
    ['a redirect to a file', '/to-file', 'URL_SCHEME'],
    ['a redirect to no URL', '/to-nowhere', 'FETCH_FAILED'],
    ['redirects in a circle', '/loop', 'FETCH_FAILED'],
    ['a web page', '/page', 'FETCH_FAILED'],
    ['SVG', '/svg', 'FETCH_FAILED'],
    ['a missing page', '/none', 'FETCH_FAILED'],
    ['an announced size above the limit', '/large', 'FETCH_FAILED'],
    ['more bytes than the limit', '/endless', 'FETCH_FAILED'],
    ['a server that does not finish', '/slow', 'FETCH_FAILED'],
  ])('%s is refused', async (_, path, code) => {
    await expect(fetchRemote(url(path), limits, pictures)).rejects.toMatchObject({ code: `LLMF_VISION_${code}` });
  });

  it.each(['inside.test', 'metadata.test'])('never connects to a name that leads inside: %s', async (host) => {
    const before = served.length;
    await expect(fetchRemote(url('/ok.png', host), limits, pictures)).rejects.toMatchObject({
      code: 'LLMF_VISION_PRIVATE_ADDRESS',
    });
    expect(served.length).toBe(before);
  });

  it('reports an unknown name', async () => {
    await expect(fetchRemote('http://nowhere.test/a.png', limits, pictures)).rejects.toThrow(
      /FETCH_FAILED[^]*ENOTFOUND/,
    );
  });

  it.each([
    'http://127.0.0.1/a.png',
    'http://localhost.localdomain.invalid@127.0.0.1/a.png',
    'http://2130706433/a.png', // 127.0.0.1 as one number
    'http://0x7f.1/a.png',
    'http://0177.0.0.1/a.png',
    'http://0.0.0.0/a.png',
    'http://10.0.0.1/a.png',
    'http://172.31.255.255/a.png',
    'http://192.168.0.1/a.png',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.64.0.1/a.png',
    'http://[::1]/a.png',
    'http://[::]/a.png',
    'http://[fd00::1]/a.png',
    'http://[fe80::1]/a.png',
    'http://[::ffff:127.0.0.1]/a.png',
    'http://[::ffff:a00:1]/a.png',
    'http://[64:ff9b::7f00:1]/a.png',
    'http://[2002:7f00:1::]/a.png',
    'http://[fec0::1]/a.png',
    'http://[::ffff:0:7f00:1]/a.png',
    'http://[3fff::1]/a.png',
    'http://[5f00::1]/a.png',
  ])('%s is private', async (address) => {
    await expect(fetchRemote(address, limits)).rejects.toMatchObject({ code: 'LLMF_VISION_PRIVATE_ADDRESS' });
  });

  it('user, password and signature of a URL are in no error', async () => {
    const failing = fetchRemote('http://me:secret@127.0.0.1/a.png?sig=secret', limits);
    await expect(failing).rejects.toThrow('http://127.0.0.1/a.png?sig=…');
    await expect(failing).rejects.not.toThrow('secret');
  });

  it('public addresses are not private', () => {
    for (const address of [
      '1.1.1.1',
      '8.8.8.8',
      '172.32.0.1',
      '192.167.255.255',
      '2606:4700::1111',
      '2a00:1450:4001::1',
    ]) {
      expect([address, isPrivateAddress(address)]).toEqual([address, false]);
    }
  });
});
