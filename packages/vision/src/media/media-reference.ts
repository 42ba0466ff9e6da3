// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { visionErrors } from '../errors.js';

/** Where the bytes of a picture come from. */
export type MediaReference =
  | { readonly from: 'path'; readonly path: string }
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'bytes'; readonly bytes: Uint8Array; readonly name: string };

/** Keys under which a picture is found, in the order in which they count: bytes first, as `datasets` reads them. */
const places = ['bytes', 'data', 'path', 'url', 'image_url', 'image', 'value', 'source'];
/** Keys that say nothing that changes the picture. */
const notes = ['type', 'media_type', 'detail', 'format'];

/**
 * Understands the ways in which data sets name a picture: a path, a file:// URL, a data URL, an http(s) URL, Hugging
 * Face's `{ bytes, path }`, and content parts `{ type: 'image_url', image_url: { url } }` or `{ type: 'image', image }`.
 * @throws LLMF_VISION_MEDIA_REFERENCE, LLMF_VISION_MEDIA_KEY, LLMF_VISION_DATA_URL, LLMF_VISION_URL_SCHEME
 */
export function mediaReference(value: unknown): MediaReference {
  if (typeof value === 'string' && value !== '') return ofText(value);
  if (value instanceof Uint8Array) return { from: 'bytes', bytes: value, name: `${value.length} bytes in the row` };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(value);
  const said = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  const lost = said.find(([key]) => !places.includes(key) && !notes.includes(key));
  if (lost !== undefined) throw visionErrors.mediaKey({ key: lost[0], got: shortened(JSON.stringify(lost[1])) });
  const given = Object.fromEntries(said);
  const { bytes, data, path, type } = given;
  const own = bytes ?? data;
  if (own instanceof Uint8Array)
    return { from: 'bytes', bytes: own, name: typeof path === 'string' ? path : `${own.length} bytes in the row` };
  if (typeof own === 'string' && (type === 'base64' || bytes !== undefined)) return ofBase64(own, 'bytes in the row');
  const place = places.find((key) => given[key] !== undefined);
  if (place === undefined) throw refused(value);
  return mediaReference(given[place]);
}

const refused = (value: unknown) =>
  visionErrors.mediaReference({ got: shortened(JSON.stringify(value) ?? String(value)) });

function ofText(text: string): MediaReference {
  if (text.startsWith('data:')) return ofDataUrl(text);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { from: 'path', path: text };
  if (scheme === 'file') return { from: 'path', path: ofFileUrl(text) };
  if (scheme !== 'http' && scheme !== 'https') throw visionErrors.urlScheme({ url: shortened(text), scheme });
  return { from: 'url', url: text };
}

/** qwen-vl-utils cuts `file://` off; what stands behind it is a path, with or without escapes. */
function ofFileUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url.slice('file://'.length);
  }
}

function ofDataUrl(url: string): MediaReference {
  const comma = url.indexOf(',');
  const head = url.slice(5, Math.max(comma, 5)).toLowerCase();
  const fail = (reason: string) => visionErrors.dataUrl({ reason, got: shortened(url) });
  if (comma < 0) throw fail('it has no comma');
  if (head.startsWith('image/svg')) throw visionErrors.svg({ name: shortened(url) });
  const type = head.split(';')[0]!;
  if (!type.startsWith('image/') && type !== 'image' && type !== '')
    throw fail(`its type is "${type}", not an image's`);
  if (!head.endsWith(';base64')) throw fail('it is not base64');
  return ofBase64(url.slice(comma + 1), url);
}

function ofBase64(text: string, whole: string): MediaReference {
  const encoded = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded))
    throw visionErrors.dataUrl({ reason: 'its content is not base64', got: shortened(whole) });
  return { from: 'bytes', bytes: new Uint8Array(Buffer.from(encoded, 'base64')), name: shortened(whole) };
}

const shortened = (text: string) => (text.length <= 80 ? text : `${text.slice(0, 77)}…`);
