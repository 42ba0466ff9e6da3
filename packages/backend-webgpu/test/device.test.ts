// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineProgram } from '../src/backend/program.js';
import type { TrainingWebGpuBackend } from '../src/backend/webgpu-backend.js';
import { start, whySkipped } from './software-device.js';

const reason = await whySkipped();
const backend = () => tf.backend() as TrainingWebGpuBackend;

describe.skipIf(reason !== null)(`backend webgpu${reason === null ? '' : ` (${reason})`}`, () => {
  beforeAll(start);

  it('becomes the current backend, and leaves no global navigator', () => {
    expect(tf.getBackend()).toBe('webgpu');
    expect((globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu).toBeUndefined();
  });

  it('is the same device when it is started again', async () => {
    const before = backend();
    await start();
    expect(backend()).toBe(before);
  });

  it('computes a product and its gradient, and keeps no copy of what was read', async () => {
    const x = tf.tensor2d([[1, 2]]);
    const w = tf.tensor2d([[3], [4]]);
    const product = tf.matMul(x, w);
    expect(await product.array()).toEqual([[11]]);
    const [dx] = tf.grads((a, b) => tf.sum(tf.matMul(a as typeof x, b as typeof w)))([x, w]);
    expect(await dx!.array()).toEqual([[3, 4]]); // wᵀ
    expect(() => product.dataSync()).toThrow(/^LLMF_BACKEND_WEBGPU_SYNCHRONOUS_READ: [^]*await tensor\.data\(\)/);
    tf.dispose([x, w, product, dx!]);
  });

  it('sums no values, and more tensors than a shader binds', async () => {
    const [nothing, many] = tf.tidy(() => [
      tf.sum(tf.zeros([0, 3]), 0),
      tf.addN(Array.from({ length: 40 }, (_, i) => tf.fill([2], i))),
    ]);
    expect(await nothing!.array()).toEqual([0, 0, 0]);
    expect(await many!.array()).toEqual([780, 780]);
    tf.dispose([nothing!, many!]);
  });

  it('keeps what a cut dispatch reads until its last part was sent', async () => {
    const { runner } = backend();
    const twice = defineProgram({
      name: 'twice',
      reads: { x: 'f32' },
      writes: { out: 'f32' },
      numbers: {},
      workgroup: 1,
      code: '  out[group] = 2 * x[group];',
    });
    const [before, first] = [runner.seconds, runner.paces.first];
    runner.submit();
    [runner.seconds, runner.paces.first] = [2, 1]; // parts of two groups, of which the last has one and waits
    const x = tf.tensor1d([1, 2, 3, 4, 5]);
    const out = backend().output([5]);
    runner.run(twice, { reads: { x }, writes: { out }, numbers: {}, groups: 5, groupWork: 1 });
    [runner.seconds, runner.paces.first] = [before, first];
    x.dispose();
    const others = tf.tensor1d([9, 9, 9, 9, 9]);
    backend().uploadToGPU(others.dataId); // in a buffer of that size, ahead of what was not sent
    expect([...((await backend().read(out.dataId)) as Float32Array)]).toEqual([2, 4, 6, 8, 10]);
    others.dispose();
    backend().disposeData(out.dataId);
  });

  it('has a fault where the GPU refused a command, and the next read tells it', async () => {
    backend().device.createBuffer({ size: 4, usage: 0 }); // WebGPU knows no buffer without a use
    const x = tf.square(tf.tensor1d([2]));
    await expect(x.data()).rejects.toMatchObject({ code: 'LLMF_BACKEND_WEBGPU_DEVICE_ERROR' });
    x.dispose();
    await start();
  });

  it('says that the GPU was lost, at the next read, and starts again on a new device', async () => {
    const lost = backend();
    const x = tf.square(tf.tensor1d([2]));
    lost.device.destroy();
    await expect(x.data()).rejects.toMatchObject({
      code: 'LLMF_BACKEND_WEBGPU_DEVICE_LOST',
      message: expect.stringContaining('--resume'),
    });
    x.dispose();
    await start();
    expect(backend()).not.toBe(lost);
    const y = tf.square(tf.tensor1d([3]));
    expect([...(await y.data())]).toEqual([9]);
    y.dispose();
  });
});
