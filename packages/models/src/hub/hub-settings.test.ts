// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hubSettings } from './hub-settings.js';

describe('where the cache is', () => {
  it.each([
    [{}, join(homedir(), '.cache', 'huggingface', 'hub')],
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache', 'huggingface', 'hub')],
    [{ HF_HOME: '/h', XDG_CACHE_HOME: '/x' }, '/h/hub'],
    [{ HF_HOME: '~/h' }, join(homedir(), 'h', 'hub')],
    [{ HUGGINGFACE_HUB_CACHE: '/old', HF_HOME: '/h' }, '/old'],
    [{ HF_HUB_CACHE: '/c', HUGGINGFACE_HUB_CACHE: '/old' }, '/c'],
  ])('%j', (environment, cache) => expect(hubSettings(environment).cache).toBe(cache));
});

describe('the token', () => {
  it('is HF_TOKEN, else that of the last login, and none where that is switched off', () => {
    const home = mkdtempSync(join(tmpdir(), 'llmf-hf-'));
    writeFileSync(join(home, 'token'), 'hf_file\n');
    expect(hubSettings({ HF_HOME: home }).token).toBe('hf_file');
    expect(hubSettings({ HF_HOME: home, HF_TOKEN: 'hf_stated' }).token).toBe('hf_stated');
    expect(hubSettings({ HF_HOME: home, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }).token).toBeNull();
    expect(hubSettings({ HF_HOME: join(home, 'absent') }).token).toBeNull();
    expect(() => hubSettings({ HF_TOKEN_PATH: home })).toThrow(/EISDIR/);
    rmSync(home, { recursive: true });
  });
});

describe('other settings', () => {
  it.each(['1', 'ON', 'yes', 'true'])('HF_HUB_OFFLINE=%s is offline', (value) => {
    expect(hubSettings({ HF_HUB_OFFLINE: value }).isOffline).toBe(true);
    expect(hubSettings({ TRANSFORMERS_OFFLINE: value }).isOffline).toBe(true);
  });
  it('HF_HUB_OFFLINE=0 is not', () => expect(hubSettings({ HF_HUB_OFFLINE: '0' }).isOffline).toBe(false));

  it('user and password of HF_ENDPOINT leave the URL', () => {
    const { endpoint, endpointLogin } = hubSettings({ HF_ENDPOINT: 'https://me:p%40ss@mirror.test/hf/' });
    expect(endpoint).toBe('https://mirror.test/hf');
    expect(endpointLogin).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });
});
