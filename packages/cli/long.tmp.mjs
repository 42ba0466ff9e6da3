import { train } from 'llmf';
import { tf } from '@llmf/nn';
import { apiVersion } from '@llmf/core';
const backendWebgpu = (await import('/work/trees/webgpu/packages/backend-webgpu/dist/index.js')).default;
const steps = +process.argv[2];
const samples = [];
const watch = {
  name: 'watch',
  apiVersion,
  apply: (e) =>
    e.hooks.run.tap('w', (run) =>
      run.hooks.log.tap('w', () => {
        const p = tf.backend().bufferManager;
        samples.push([
          tf.memory().numTensors,
          tf.memory().numBytes,
          p.numUsedBuffers,
          p.numBytesUsed,
          p.numUsedBuffers + p.numFreeBuffers,
          p.numBytesAllocated,
        ]);
        if (samples.length % 100 === 1)
          console.log(samples.length, samples.at(-1).join(' '), process.memoryUsage().rss >> 20);
      }),
    ),
};
const t0 = Date.now();
await train(
  {
    model: { path: 'runs/tiny' },
    stage: 'sft',
    adapter: 'none',
    backend: { name: 'webgpu', software: true },
    data: { train: [{ path: 'data/sft.json' }], maxSamples: 4, maxLength: 32 },
    train: {
      batchSize: 4,
      gradientAccumulation: 1,
      maxSteps: steps,
      learningRate: 1e-3,
      logEvery: 1,
      saveEvery: null,
      seed: 1,
    },
    plugins: [backendWebgpu(), watch],
    output: 'runs/long' + Date.now(),
  },
  { folder: '/tmp/wg/first-run' },
);
console.log((Date.now() - t0) / 1000, 's');
const m = samples.slice(2, -1);
console.log(
  m
    .slice(0, 12)
    .map((s) => s.join(' '))
    .join('\n'),
);
const cnt = {};
for (const s of m) cnt[s.slice(0, 4)] = (cnt[s.slice(0, 4)] ?? 0) + 1;
console.log(cnt);
for (let i = 0; i < 6; i++)
  console.log(i, new Set(m.map((s) => s[i])).size, Math.min(...m.map((s) => s[i])), Math.max(...m.map((s) => s[i])));
