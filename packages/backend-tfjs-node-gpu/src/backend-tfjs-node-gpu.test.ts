// SPDX-License-Identifier: Apache-2.0
import { BackendToken, createEngine } from '@llmf/core';
import { tf } from '@llmf/nn';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import backendTfjsNodeGpu, { TfjsNodeGpuToken, type TfjsNodeGpuModule } from './index.js';
import { restoreRemovedUtils } from './removed-utils.js';
import { loadTfjsNodeGpu } from './tfjs-node-gpu-module.js';

/** tfjs itself in the place of the GPU package, with its JS backend under TensorFlow's name. */
function injectedModule(isUsingGpuDevice: boolean): TfjsNodeGpuModule {
  if (tf.findBackend('tensorflow') !== null) tf.removeBackend('tensorflow');
  const JsBackend = tf.findBackend('cpu').constructor as new () => object;
  tf.registerBackend(
    'tensorflow',
    () => Object.assign(new JsBackend(), { firstUse: false, isUsingGpuDevice }) as never,
  );
  if (tf.getKernelsForBackend('tensorflow').length === 0) tf.copyRegisteredKernels('cpu', 'tensorflow');
  return { ...tf, version: { 'tfjs-node': '4.22.0' } };
}

function providerWith(module: TfjsNodeGpuModule) {
  const engine = createEngine();
  engine.use(backendTfjsNodeGpu());
  engine.container.register(TfjsNodeGpuToken, module);
  return engine.find(BackendToken, 'tfjs-node-gpu');
}

describe('backend tfjs-node-gpu with an injected module', () => {
  it('is never taken by itself', () => {
    expect(providerWith(injectedModule(true)).priority).toBe(0);
  });

  it('starts, and computes a product and its gradient', async () => {
    const provider = providerWith(injectedModule(true));
    expect(await provider.unavailable()).toBeNull();
    const started = await provider.start({});
    expect(started).toMatchObject({ tfName: 'tensorflow', precisions: ['f32'], numerics: 'tfjs-node-gpu-4.22.0' });
    expect(tf.getBackend()).toBe('tensorflow');
    const x = tf.tensor2d([[1, 2]]);
    const w = tf.tensor2d([[3], [4]]);
    expect(await tf.matMul(x, w).array()).toEqual([[11]]);
    const [dx] = tf.grads((a, b) => tf.sum(tf.matMul(a as typeof x, b as typeof w)))([x, w]);
    expect(await dx!.array()).toEqual([[3, 4]]); // wᵀ
  });

  it('refuses TensorFlow without a GPU, naming the CUDA it wants', async () => {
    await expect(providerWith(injectedModule(false)).start({})).rejects.toMatchObject({
      code: 'LLMF_BACKEND_TFJS_NODE_GPU_NO_GPU',
      message: expect.stringContaining('CUDA 11.2 and cuDNN 8.1'),
    });
  });

  it('refuses a second copy of tfjs-core', async () => {
    const module = { ...injectedModule(true), Tensor: class Tensor {}, version_core: '4.21.0' };
    await expect(providerWith(module).start({})).rejects.toMatchObject({
      code: 'LLMF_BACKEND_TFJS_NODE_GPU_SECOND_TFJS',
      message: expect.stringContaining('tfjs-core 4.21.0 there, 4.22.0 in @llmf/nn'),
    });
  });

  it('says so when tfjs does not switch to it', async () => {
    await tf.setBackend('cpu');
    const module = { ...injectedModule(true), setBackend: async () => false };
    await expect(providerWith(module).start({})).rejects.toMatchObject({
      code: 'LLMF_BACKEND_TFJS_NODE_GPU_START_FAILED',
    });
  });
});

describe('loading @tensorflow/tfjs-node-gpu', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'llmf-gpu-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Installs a package of that name with this entry. */
  function install(source: string): void {
    const target = join(folder, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'index.js'), source);
  }

  it('not installed: says how to install it', () => {
    expect(() => loadTfjsNodeGpu([folder])).toThrow(
      /^LLMF_BACKEND_TFJS_NODE_GPU_NOT_INSTALLED: [^]*npm install @tensorflow\/tfjs-node-gpu@4\.22\.0/,
    );
  });

  it('without its native addon: says how to build it', () => {
    install(
      `throw new Error('The Node.js native addon module (tfjs_binding.node) can not be found at path: x\\nmore')`,
    );
    expect(() => loadTfjsNodeGpu([folder])).toThrow(
      /^LLMF_BACKEND_TFJS_NODE_GPU_NATIVE_LIBRARY_MISSING: [^]*can not be found at path: x\n[^]*npm rebuild/,
    );
  });

  it('with a tfjs-core of its own: refuses before its kernels are registered', () => {
    install(`throw new Error('loaded')`);
    const modules = join(folder, 'node_modules', '@tensorflow');
    for (const [name, source] of [
      ['tfjs', ''],
      ['tfjs-core', `module.exports = { Tensor: class Tensor {}, version_core: '4.20.0' }`],
    ] as const) {
      mkdirSync(join(modules, name));
      writeFileSync(join(modules, name, 'index.js'), source);
    }
    expect(() => loadTfjsNodeGpu([folder])).toThrow(
      /^LLMF_BACKEND_TFJS_NODE_GPU_SECOND_TFJS: [^]*tfjs-core 4\.20\.0 there, 4\.22\.0 in @llmf\/nn[^]*npm dedupe/,
    );
  });

  it('installed: is found in the first folder that has it', () => {
    install(`module.exports = { version: { 'tfjs-node': 'mine' } }`);
    expect(loadTfjsNodeGpu([tmpdir(), folder]).version['tfjs-node']).toBe('mine');
  });
});

describe('restoreRemovedUtils', () => {
  it('adds what Node.js 23 took away, and keeps what is there', () => {
    const own = () => 'own';
    const util: Record<string, unknown> = { isArray: own };
    restoreRemovedUtils(util);
    const isNullOrUndefined = util['isNullOrUndefined'] as (value: unknown) => boolean;
    expect([null, undefined, 0, ''].map(isNullOrUndefined)).toEqual([true, true, false, false]);
    expect(util['isArray']).toBe(own);
  });
});
