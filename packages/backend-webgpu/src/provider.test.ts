// SPDX-License-Identifier: Apache-2.0
import { BackendToken, createEngine } from '@llmf/core';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadDawn } from './device/dawn.js';
import backendWebgpu, { DawnToken, type Dawn } from './index.js';

/** A Dawn that finds this adapter, or none. */
function dawnWith(adapter: object | null): Dawn {
  const gpu = { requestAdapter: async () => adapter };
  return { create: () => gpu as unknown as GPU, globals: {} };
}

function providerWith(dawn: Dawn) {
  const engine = createEngine();
  engine.use(backendWebgpu());
  engine.container.register(DawnToken, dawn);
  return engine.find(BackendToken, 'webgpu');
}

const info = { vendor: 'google', architecture: 'swiftshader', description: 'SwiftShader 5' };
const software = { info: { ...info, isFallbackAdapter: true }, limits: {} };

describe('backend webgpu where it cannot start', () => {
  it('is never taken by itself', () => expect(providerWith(dawnWith(null)).priority).toBe(0));

  it('without a driver: says so in one line, and at the start what to install', async () => {
    const provider = providerWith(dawnWith(null));
    expect(await provider.unavailable()).toMatch(
      /^no driver offers a GPU to WebGPU \(no adapter [^\n]*libvulkan1[^\n]*$/,
    );
    await expect(provider.start({})).rejects.toMatchObject({ code: 'LLMF_BACKEND_WEBGPU_NO_ADAPTER' });
  });

  it('with a driver that computes on the processor: refuses, and names the option that allows it', async () => {
    const provider = providerWith(dawnWith(software));
    expect(await provider.unavailable()).toMatch(
      /^WebGPU found no GPU[^\n]*SwiftShader 5[^\n]*backend\.software=true[^\n]*$/,
    );
    await expect(provider.start({})).rejects.toMatchObject({
      code: 'LLMF_BACKEND_WEBGPU_SOFTWARE_ONLY',
      message: expect.stringContaining('got: SwiftShader 5 (google swiftshader)'),
    });
  });

  it('with a GPU: says which', async () => {
    const provider = providerWith(dawnWith({ info: { ...info, description: '' }, limits: {} }));
    expect(await provider.unavailable()).toBeNull();
    expect(await provider.found!()).toBe('google swiftshader');
  });

  it('with a GPU that gives no device: says what it answered', async () => {
    const requestDevice = async () => Promise.reject(new Error('out of everything'));
    const provider = providerWith(dawnWith({ info, limits: {}, requestDevice }));
    await expect(provider.start({})).rejects.toMatchObject({
      code: 'LLMF_BACKEND_WEBGPU_START_FAILED',
      message: expect.stringContaining('got: out of everything'),
    });
  });

  it('refuses options it does not know', async () => {
    await expect(providerWith(dawnWith(null)).start({ sofware: true })).rejects.toThrow(/sofware/);
  });
});

describe('loading the package webgpu', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'llmf-webgpu-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function install(source: string): void {
    const target = join(folder, 'node_modules', 'webgpu');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'index.js'), source);
    writeFileSync(join(target, 'package.json'), '{ "name": "webgpu", "type": "module", "main": "index.js" }');
  }

  it('not installed: says how to install it', async () => {
    await expect(loadDawn([folder])).rejects.toThrow(
      /^LLMF_BACKEND_WEBGPU_NOT_INSTALLED: [^]*npm install webgpu@0\.6\.2/,
    );
  });

  it('whose binary does not load: says why', async () => {
    install(`throw new Error("version 'GLIBCXX_3.4.32' not found\\nmore")`);
    await expect(loadDawn([folder])).rejects.toThrow(
      /^LLMF_BACKEND_WEBGPU_NOT_LOADABLE: [^]*got: version 'GLIBCXX_3\.4\.32' not found\n/,
    );
  });

  it('installed: is found in the first folder that has it', async () => {
    install('export const globals = { mine: true }; export const create = () => null;');
    expect((await loadDawn([tmpdir(), folder])).globals).toEqual({ mine: true });
  });
});
