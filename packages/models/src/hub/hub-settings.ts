// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isRefused, readTextSync } from '@llmf/core';

/** What huggingface_hub's environment variables say: https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** User and password of the endpoint's URL, as a header; for mirrors behind a login. */
  readonly endpointLogin: string | null;
  readonly cache: string;
  readonly token: string | null;
  readonly isOffline: boolean;
  /** Longest time without a byte. */
  readonly idleMs: number;
  /** Pause before the first repetition; each further one doubles it. */
  readonly retryMs: number;
  /** Draw a line that changes. */
  readonly isLive: boolean;
  write(text: string): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function hubSettings(environment: Environment = process.env): HubSettings {
  const home = pathOf(environment['HF_HOME']) ?? join(cacheHome(environment), 'huggingface');
  const { endpoint, login } = endpointOf(environment['HF_ENDPOINT'] || 'https://huggingface.co');
  return {
    endpoint,
    endpointLogin: login,
    cache: pathOf(environment['HF_HUB_CACHE'] || environment['HUGGINGFACE_HUB_CACHE']) ?? join(home, 'hub'),
    token: tokenOf(environment, home),
    isOffline: isSet(environment['HF_HUB_OFFLINE'] || environment['TRANSFORMERS_OFFLINE']),
    idleMs: 1000 * (Number(environment['HF_HUB_DOWNLOAD_TIMEOUT']) || 30),
    retryMs: 500,
    isLive: process.stderr.isTTY === true && !isSet(environment['HF_HUB_DISABLE_PROGRESS_BARS']),
    write: (text) => void process.stderr.write(text),
  };
}

/** Relative ones are ignored, as the XDG specification asks. */
function cacheHome(environment: Environment): string {
  const stated = environment['XDG_CACHE_HOME'];
  return stated !== undefined && stated.startsWith('/') ? stated : join(homedir(), '.cache');
}

function pathOf(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  return resolve(text.replace(/^~(?=$|[/\\])/, homedir()));
}

/** fetch takes no user and password in a URL. */
function endpointOf(text: string): { endpoint: string; login: string | null } {
  const match = /^(https?:\/\/)([^/]*)@(.*)$/.exec(text);
  const endpoint = (match === null ? text : `${match[1]}${match[3]}`).replace(/\/+$/, '');
  if (match === null) return { endpoint, login: null };
  const login = match[2]!.split(':').map(decodeURIComponent).join(':');
  return { endpoint, login: `Basic ${Buffer.from(login).toString('base64')}` };
}

function tokenOf(environment: Environment, home: string): string | null {
  if (isSet(environment['HF_HUB_DISABLE_IMPLICIT_TOKEN'])) return null;
  const stated = environment['HF_TOKEN'] || environment['HUGGING_FACE_HUB_TOKEN'];
  const token = stated ?? tokenInFile(pathOf(environment['HF_TOKEN_PATH']) ?? join(home, 'token'));
  return token?.trim() || null;
}

function tokenInFile(file: string): string | undefined {
  try {
    return readTextSync(file);
  } catch (error) {
    if (isRefused(error)) throw error;
    return undefined; // nobody logged in
  }
}

const isSet = (text: string | undefined): boolean => /^(?:1|on|yes|true)$/i.test(text ?? '');
