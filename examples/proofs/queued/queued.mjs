// SPDX-License-Identifier: Apache-2.0
// A backend whose values come back asynchronously only, as a GPU's do: tfjs's JavaScript kernels stand for the device, a
// read waits for its queue, and a synchronous one is an error. `backend: queued` chooses it.
import { apiVersion, BackendToken } from '@llmf/core';
import { bf16, declareBackend, f32, tf } from '@llmf/nn';

const name = 'queued';
const formats = new Map([f32, bf16].map((format) => [format.name, format]));
const JsBackend = tf.findBackend('cpu').constructor;

class QueuedBackend extends JsBackend {
  /** What the device has been asked to do; it answers in this order. */
  queue = Promise.resolve();
  firstUse = false;

  read(dataId) {
    // The values of now: a later kernel may change them in place.
    const values = JsBackend.prototype.readSync.call(this, dataId).slice();
    const answer = this.queue.then(() => new Promise((resolve) => setImmediate(resolve, values)));
    this.queue = answer.then(() => undefined);
    return answer;
  }

  readSync() {
    throw new Error(`backend ${name}: values of a device are read with data(), not dataSync()`);
  }

  /** Its kernels see what lies on the device. */
  bufferSync({ dataId, shape, dtype }) {
    return tf.buffer(shape, dtype, JsBackend.prototype.readSync.call(this, dataId));
  }

  /** A weight crosses to the device once; this one widens it to what its kernels multiply. */
  upload(weight) {
    const { format, shape } = weight;
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    formats.get(format.name).expand(weight, 0, shape[0] ?? 1, values);
    return this.write(values, [...shape], 'float32');
  }
}

const queued = {
  name,
  description: 'JavaScript kernels behind a queue: nothing is read synchronously',
  priority: 0,
  unavailable: async () => null,
  async start() {
    if (tf.findBackendFactory(name) === null) {
      tf.copyRegisteredKernels('cpu', name);
      tf.registerBackend(name, () => new QueuedBackend());
      declareBackend(name, {
        memory: 'device',
        formats: new Set(formats.keys()),
        upload: (weight) => tf.backend().upload(weight),
      });
    }
    await tf.setBackend(name);
    return {
      tfName: name,
      precisions: ['f32'],
      formats: [...formats.keys()],
      numerics: `queued-${tf.version_core}`,
      description: queued.description,
    };
  },
};

export default function backendQueued() {
  return {
    name,
    apiVersion,
    description: queued.description,
    apply: (engine) => engine.provide(BackendToken, queued),
  };
}
