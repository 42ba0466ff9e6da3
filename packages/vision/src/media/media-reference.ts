// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';

/** Where the bytes of a picture come from. */
export type MediaReference =
  | { readonly from: 'path'; readonly path: string }
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'bytes'; readonly bytes: Uint8Array; readonly name: string };

/**
 * Understands the ways in which data sets name a picture: a path, a data URL, an http(s) URL, Hugging Face's
 * `{ bytes, path }`, and content parts `{ type: 'image_url', image_url: { url } }` or `{ type: 'image', image }`.
 * @throws LLMF_VISION_MEDIA_REFERENCE, LLMF_VISION_DATA_URL, LLMF_VISION_URL_SCHEME
 */
export function mediaReference(value: unknown): MediaReference {
  if (typeof value === 'string' && value !== '') return ofText(value);
  if (value instanceof Uint8Array) return { from: 'bytes', bytes: value, name: `${value.length} bytes in the row` };
  if (typeof value === 'object' && value !== null) {
    const { bytes, path, url, image_url: imageUrl, image } = value as Record<string, unknown>;
    if (bytes instanceof Uint8Array) {
      return { from: 'bytes', bytes, name: typeof path === 'string' ? path : `${bytes.length} bytes in the row` };
    }
    for (const inner of [path, url, imageUrl, image])
      if (inner !== undefined && inner !== null) return mediaReference(inner);
  }
  throw visionErrors.mediaReference({ got: shortened(JSON.stringify(value) ?? String(value)) });
}

function ofText(text: string): MediaReference {
  if (text.startsWith('data:')) return ofDataUrl(text);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { from: 'path', path: text };
  if (scheme !== 'http' && scheme !== 'https') throw visionErrors.urlScheme({ url: shortened(text), scheme });
  return { from: 'url', url: text };
}

function ofDataUrl(url: string): MediaReference {
  const comma = url.indexOf(',');
  const head = url.slice(5, Math.max(comma, 5)).toLowerCase();
  const fail = (reason: string) => visionErrors.dataUrl({ reason, got: shortened(url) });
  if (comma < 0) throw fail('it has no comma');
  if (head.startsWith('image/svg')) throw visionErrors.svg({ name: shortened(url) });
  if (!head.startsWith('image/')) throw fail(`its type is "${head.split(';')[0]}", not an image's`);
  if (!head.endsWith(';base64')) throw fail('it is not base64');
  const encoded = url.slice(comma + 1).replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded)) throw fail('its content is not base64');
  return { from: 'bytes', bytes: new Uint8Array(Buffer.from(encoded, 'base64')), name: shortened(url) };
}

const shortened = (text: string) => (text.length <= 80 ? text : `${text.slice(0, 77)}…`);
