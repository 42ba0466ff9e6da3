// SPDX-License-Identifier: Apache-2.0
import { LlmfError, withoutSecrets } from '@llmf/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { modelErrors } from '../errors.js';
import { hubIdText, type HubId } from './hub-id.js';
import type { HubSettings } from './hub-settings.js';

/** An answer whose body is read piece by piece; each piece may take `idleMs`. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Gives up the connection. */
  cancel(): void;
}

/** A failure that another attempt may mend. */
export class Interruption extends Error {
  /** More had arrived than ever before: that does not count as an attempt. */
  hasMoved = false;
}

const mostRedirects = 5;
const mostRepetitions = 4;

/**
 * GET of a path of the hub. Redirects are followed here: the token goes to the hub's own origin only, and none leads from
 * https to http.
 * @throws LLMF_MODELS_HUB_UNKNOWN, …_HUB_REFUSED, …_HUB_FAILED; Interruption
 */
export async function get(
  hub: HubSettings,
  of: HubId,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  let url = new URL(hub.endpoint + path);
  const { origin } = url;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const isHub = url.origin === origin;
    const answer = await exchange(hub, url, { ...headers, ...(isHub ? credentials(hub) : {}) });
    if (answer.status < 300 || answer.status >= 400) return checked(hub, of, answer, isHub);
    answer.cancel();
    url = redirected(of, url, answer.headers.get('location'));
  }
  throw modelErrors.hubFailed({ id: hubIdText(of), reason: `more than ${mostRedirects} redirects` });
}

/** Repeats what was interrupted, with growing pauses. @throws LLMF_MODELS_HUB_FAILED in the end */
export async function repeated<T>(hub: HubSettings, of: HubId, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Interruption)) throw error;
      if (error.hasMoved) attempt = 0;
      if (attempt === mostRepetitions) {
        throw modelErrors.hubFailed({ id: hubIdText(of), reason: error.message }, { cause: error });
      }
      await sleep(hub.retryMs * 2 ** attempt);
    }
  }
}

/** A JSON answer of bounded size. */
export async function getJson(
  hub: HubSettings,
  of: HubId,
  path: string,
): Promise<{ value: unknown; next: string | null }> {
  return await repeated(hub, of, async () => {
    const { pieces, headers } = await get(hub, of, path);
    const text = await textOf(pieces);
    try {
      return { value: JSON.parse(text) as unknown, next: nextPage(hub, headers.get('link')) };
    } catch (error) {
      throw new Interruption(`the hub’s answer is no JSON (${(error as Error).message})`);
    }
  });
}

const mostAnswerBytes = 32 * 2 ** 20;

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > mostAnswerBytes) throw new Interruption('the hub’s answer is longer than 32 MiB');
    parts.push(piece);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Path and query of `<…>; rel="next"`, on the same hub only. */
function nextPage(hub: HubSettings, link: string | null): string | null {
  const target = /<([^>]+)>\s*;\s*rel="next"/.exec(link ?? '')?.[1];
  if (target === undefined) return null;
  const { pathname, search } = new URL(target, hub.endpoint);
  const base = new URL(hub.endpoint).pathname.replace(/\/$/, '');
  return pathname.slice(base.length) + search;
}

const credentials = ({ token, endpointLogin }: HubSettings): Record<string, string> => {
  const authorization = token === null ? endpointLogin : `Bearer ${token}`;
  return authorization === null ? {} : { authorization };
};

async function exchange(hub: HubSettings, url: URL, headers: Record<string, string>): Promise<Answer> {
  const abort = new AbortController();
  const late = () => abort.abort(new Interruption(`nothing came from ${url.host} for ${hub.idleMs / 1000} s`));
  let timer = setTimeout(late, hub.idleMs);
  const { signal } = abort;
  const response = await fetch(url.href, {
    redirect: 'manual',
    headers: { 'accept-encoding': 'identity', ...headers },
    signal,
  }).catch((error: unknown) => {
    throw interruption(url, signal, error);
  });
  clearTimeout(timer);
  async function* pieces(): AsyncIterable<Uint8Array> {
    if (response.body === null) return;
    timer = setTimeout(late, hub.idleMs);
    try {
      for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
        timer.refresh();
        yield piece;
      }
    } catch (error) {
      throw interruption(url, signal, error);
    } finally {
      clearTimeout(timer);
    }
  }
  const cancel = () => abort.abort(new Interruption('cancelled'));
  return { status: response.status, headers: response.headers, pieces: pieces(), cancel };
}

/** undici says "fetch failed" and why in the cause. */
function interruption(url: URL, { reason }: AbortSignal, error: unknown): Error {
  if (LlmfError.is(error)) return error;
  if (reason instanceof Interruption) return reason;
  const { cause, message } = error as Error & { cause?: Error & { code?: string } };
  const why = cause?.message || cause?.code || message;
  return new Interruption(withoutSecrets(`${url.host}: ${why}`), { cause: error });
}

function redirected(of: HubId, from: URL, location: string | null): URL {
  const refuse = (reason: string) =>
    modelErrors.hubFailed({ id: hubIdText(of), reason: withoutSecrets(`${from.host} ${reason}`) });
  if (location === null || !URL.canParse(location, from.href)) throw refuse('redirects to no URL');
  const to = new URL(location, from.href);
  if (to.protocol !== 'https:' && to.protocol !== from.protocol) throw refuse(`redirects to ${to.protocol}`);
  return to;
}

/** @param isHub or another place that the hub redirected to, whose links run out */
function checked(hub: HubSettings, of: HubId, answer: Answer, isHub: boolean): Answer {
  const { status, headers } = answer;
  if (status < 300) return answer;
  answer.cancel();
  const id = hubIdText(of);
  const said = saidBy(hub, headers);
  if (!isHub) throw new Interruption(`status ${status} of the place that the hub redirects to`);
  if (status === 404) throw modelErrors.hubUnknown({ id, said });
  if (status === 401 || status === 403) {
    throw modelErrors.hubRefused({ id, said, page: `${hub.endpoint}/${of.id}`, hasToken: hub.token !== null });
  }
  if (status === 408 || status === 429 || status >= 500) throw new Interruption(`status ${status}${said}`);
  throw modelErrors.hubFailed({ id, reason: `status ${status}${said}` });
}

/** What the hub says of its status, on one line, without the token it may repeat. */
function saidBy({ token }: HubSettings, headers: Headers): string {
  const text = (headers.get('x-error-message') ?? '').replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300);
  const shown = withoutSecrets(token === null ? text : text.replaceAll(token, '…'));
  return shown === '' ? '' : ` (${shown})`;
}
