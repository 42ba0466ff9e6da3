// SPDX-License-Identifier: Apache-2.0
// The native kernels at the shapes of Qwen2.5-0.5B and 1.5B: rate, and share of what this processor can do at most,
// measured in the same run; then what the frozen products of a block reach together, and how long attention and the head
// take beside the time that their FLOPs would take at that rate. Appends to benchmarks/results.csv.
//
// usage: npm run bench -- [--tokens 1024] [--threads N] [--only TEXT] [--seconds 0.5] [--dry]
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { startNativeBackend } from '@llmf/backend-cpu';
import { tf } from '@llmf/nn';
import { kernelBenchmarks, models } from './support/kernel-benchmarks.mjs';
import { measuredPeak } from './support/peak.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    tokens: { type: 'string', default: '1024' }, // rows of every matrix
    threads: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string', default: '' }, // benchmarks whose name contains this
    seconds: { type: 'string', default: '0.5' }, // at least, per benchmark
    dry: { type: 'boolean', default: false }, // append nothing
  },
});
const tokens = Number(options.tokens);
const threads = Number(options.threads);

const backend = await startNativeBackend({ threads, precision: 'bf16' });
const { path } = backend.addon;
const peak = measuredPeak(threads);
// What multiplies bf16 factors on this path; elsewhere they are expanded to float32.
const bf16Peak = { amx: peak.tiles, avx512bf16: peak.bf16 }[path] ?? peak.multiplyAdd;
console.log(`${processor()}, ${threads} threads, path ${path}, ${tokens} tokens; at most, measured:`);
console.log(
  `float32 ${peak.multiplyAdd} GFLOP/s, bf16 dot ${peak.bf16 ?? '–'}, tiles ${peak.tiles ?? '–'}; copy ${peak.copy} GB/s\n`,
);

function measure({ make, run: once }) {
  const inputs = make();
  const seconds = [];
  const least = Number(options.seconds) * 1000;
  for (let total = 0, i = 0; i < 4 || (total < least && i < 200); i++) {
    const begin = performance.now();
    const outputs = once(inputs);
    const took = performance.now() - begin;
    tf.dispose(outputs);
    if (i > 0) seconds.push(took / 1000); // the first one touches new memory
    total += took;
  }
  tf.dispose(inputs);
  return median(seconds);
}

const measured = [];
for (const benchmark of kernelBenchmarks({ tokens, peak, bf16Peak })) {
  if (!benchmark.name.includes(options.only)) continue;
  backend.roundsProducts = benchmark.precision !== 'f32';
  const seconds = measure(benchmark);
  measured.push({ ...benchmark, seconds, rate: (benchmark.flops ?? benchmark.bytes) / seconds / 1e9 });
}
const rows = measured.map(({ name, shape, flops, peak: most, seconds, rate }) => ({
  threads,
  path,
  benchmark: name,
  shape,
  medianSeconds: seconds.toPrecision(4),
  rate: rate.toFixed(1),
  rateUnit: flops === undefined ? 'GB/s' : 'GFLOP/s',
  shareOfPeak: (rate / (most ?? peak.copy)).toFixed(3),
}));
printTable(
  ['benchmark', 'shape', 'ms', 'rate', 'unit', '% of peak'],
  rows.map((row) => [
    row.benchmark,
    row.shape,
    (row.medianSeconds * 1000).toFixed(2),
    row.rate,
    row.rateUnit,
    (row.shareOfPeak * 100).toFixed(0),
  ]),
);
printProducts();
if (!options.dry) appendResults(rows);

/** The products of a block as one, and attention and the head at the rate of the products of their model and direction. */
function printProducts() {
  const products = Object.keys(models)
    .flatMap((model) => ['forward', 'backward'].map((direction) => blockProducts(model, direction)))
    .filter((block) => block !== null);
  if (products.length === 0) return;
  console.log(`\nFrozen products of a block together, ${tokens} rows:`);
  printTable(
    ['model', 'direction', 'TFLOP/s', '% of peak'],
    products.map(({ model, direction, rate }) => [
      model,
      direction === 'forward' ? 'forward' : 'backward (dx)',
      (rate / 1000).toFixed(3),
      ((100 * rate) / bf16Peak).toFixed(0),
    ]),
  );
  const beside = measured
    .filter(({ besides }) => besides !== undefined)
    .map((benchmark) => ({
      ...benchmark,
      block: products.find(({ model, direction }) => model === benchmark.model && direction === benchmark.besides),
    }))
    .filter(({ block }) => block !== undefined);
  if (beside.length === 0) return;
  console.log('\nBeside what those products allow (the same FLOPs at their rate); at most 2 times is the goal:');
  printTable(
    ['benchmark', 'ms', 'allowed ms', 'times', 'within 2'],
    beside.map(({ name, flops, seconds, block }) => {
      const allowed = flops / block.rate / 1e9;
      const times = seconds / allowed;
      return [
        name,
        (seconds * 1000).toFixed(2),
        (allowed * 1000).toFixed(2),
        times.toFixed(2),
        times <= 2 ? 'yes' : 'no',
      ];
    }),
  );
}

/** null unless all of them were measured */
function blockProducts(model, direction) {
  const found = measured.filter((benchmark) => benchmark.model === model && benchmark.product?.direction === direction);
  if (found.length < 4) return null;
  const total = (value) => found.reduce((sum, benchmark) => sum + benchmark.product.timesInBlock * value(benchmark), 0);
  const [flops, seconds] = [total((benchmark) => benchmark.flops), total((benchmark) => benchmark.seconds)];
  return { model, direction, rate: flops / seconds / 1e9 };
}
