// SPDX-License-Identifier: Apache-2.0
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { visionErrors } from '../errors.js';
import { isPrivateAddress } from './private-address.js';

export interface RemoteLimits {
  readonly maxBytes: number;
  /** For the whole fetch, redirects included. */
  readonly timeoutMs: number;
  readonly maxRedirects: number;
}

/** What the fetch does with names and addresses; tests put their own in its place. */
export interface Network {
  readonly lookup: typeof dnsLookup;
  readonly isPrivate: (address: string) => boolean;
}
const realNetwork: Network = { lookup: dnsLookup, isPrivate: isPrivateAddress };

const acceptedTypes = /^(image\/(jpeg|jpg|pjpeg|png|apng|gif|webp)|application\/octet-stream|binary\/octet-stream)\b/i;

/**
 * The bytes behind an http(s) URL. Every address that a name or redirect leads to is checked, and the connection goes
 * to the very address that was checked, so that a name cannot change its mind in between.
 * @throws LLMF_VISION_PRIVATE_ADDRESS, LLMF_VISION_URL_SCHEME, LLMF_VISION_FETCH_FAILED
 */
export async function fetchRemote(
  url: string,
  limits: RemoteLimits,
  network: Network = realNetwork,
): Promise<Uint8Array> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), limits.timeoutMs);
  try {
    let current = parseUrl(url);
    for (let redirects = 0; redirects <= limits.maxRedirects; redirects++) {
      const response = await request(current, url, network, abort.signal);
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.destroy();
        if (!URL.canParse(headers.location, current.href)) throw failed(url, 'the server redirects to no URL');
        current = parseUrl(new URL(headers.location, current).href);
        continue;
      }
      if (statusCode !== 200) throw failed(url, `the server answered ${statusCode}`, response);
      if (!acceptedTypes.test(headers['content-type'] ?? '')) {
        throw failed(url, `its type is "${headers['content-type'] ?? 'unknown'}", not a known image type`, response);
      }
      return await body(response, url, limits.maxBytes);
    }
    throw failed(url, `more than ${limits.maxRedirects} redirects`);
  } catch (error) {
    if (abort.signal.aborted) throw failed(url, `it took longer than ${limits.timeoutMs} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw failed(text, 'it is not a URL');
  }
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https') throw visionErrors.urlScheme({ url: text, scheme });
  return url;
}

function request(target: URL, original: string, network: Network, signal: AbortSignal): Promise<IncomingMessage> {
  // Node asks no lookup for an address written out.
  const host = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && network.isPrivate(host)) {
    return Promise.reject(visionErrors.privateAddress({ url: original, address: host }));
  }
  const get = target.protocol === 'https:' ? httpsGet : httpGet;
  return new Promise((resolve, reject) => {
    const lookup = checkedLookup(original, network);
    const options = { lookup, signal, agent: false, headers: { accept: 'image/*', 'user-agent': 'llmf' } };
    get(target, options, resolve).on('error', (error) => {
      reject('code' in error && String(error.code).startsWith('LLMF_') ? error : failed(original, error.message));
    });
  });
}

/** Resolves a name, refuses it when any of its addresses is private, and hands over the checked ones. */
function checkedLookup(url: string, network: Network): LookupFunction {
  return (hostname, options, done) => {
    network.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, '', 0);
      const inside = addresses.find(({ address }) => network.isPrivate(address));
      if (inside !== undefined) return done(visionErrors.privateAddress({ url, address: inside.address }), '', 0);
      const { address, family } = addresses[0] as LookupAddress;
      if (options.all === true) return (done as unknown as (e: null, all: LookupAddress[]) => void)(null, addresses);
      return done(null, address, family);
    });
  };
}

async function body(response: IncomingMessage, url: string, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(response.headers['content-length'] ?? 0);
  if (announced > maxBytes) throw failed(url, `it has ${announced} bytes, more than ${maxBytes}`, response);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw failed(url, `it has more than ${maxBytes} bytes`, response);
      chunks.push(chunk);
    }
  } catch (error) {
    throw 'code' in (error as Error) && String((error as NodeJS.ErrnoException).code).startsWith('LLMF_')
      ? error
      : failed(url, (error as Error).message);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function failed(url: string, reason: string, response?: IncomingMessage) {
  response?.destroy();
  return visionErrors.fetchFailed({ url, reason });
}
