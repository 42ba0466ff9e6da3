// SPDX-License-Identifier: Apache-2.0
// What `npm run bench` measures: the native kernels at the shapes of Qwen2.5-0.5B and 1.5B.
import { bf16, frozenTensor, kernels, tf } from '@llmf/nn';

export const models = {
  'Qwen2.5-0.5B': { hidden: 896, inner: 4864, heads: 14, groups: 2, size: 64 },
  'Qwen2.5-1.5B': { hidden: 1536, inner: 8960, heads: 12, groups: 2, size: 128 },
};
const vocabulary = 151_936;
const rank = 8;

/**
 * Each: name, shape, what it computes (`flops`) or moves (`bytes`), the peak it is held against (without one: copying), and
 * how to run it. Those of a block's products say how often a block has them, and those that are held against the products say
 * so by `besides`.
 *
 * @param setting rows of every matrix (`tokens`); the processor's limits (`peak`, `bf16Peak`), as support/peak.mjs gives them
 */
export function* kernelBenchmarks(setting) {
  for (const [model, shape] of Object.entries(models)) {
    yield* linears(setting, model, shape);
    yield* attentions(setting, model, shape);
    yield* heads(setting, model, shape);
    yield* elementwise(setting, model, shape);
  }
  yield adamw();
}

function* linears({ tokens, peak, bf16Peak }, model, { hidden, inner, groups, size }) {
  const sizes = {
    'q, o': [hidden, hidden, 2],
    'k, v': [hidden, groups * size, 2],
    'gate, up': [hidden, inner, 2],
    down: [inner, hidden, 1],
  };
  for (const [layer, [inputs, outputs, timesInBlock]] of Object.entries(sizes)) {
    const shape = `${tokens}×${inputs}→${outputs}, rank ${rank}`;
    const flops = 2 * tokens * (inputs * outputs + rank * (inputs + outputs));
    const make = () => ({
      x: random(tokens, inputs),
      dy: random(tokens, outputs),
      weight: bf16Weight(outputs, inputs),
      a: random(rank, inputs),
      b: random(outputs, rank),
    });
    const name = `${model} ${layer} bf16`;
    yield {
      name: `${name} forward`,
      model,
      product: { direction: 'forward', timesInBlock },
      shape,
      flops,
      peak: bf16Peak,
      make,
      run: ({ x, weight, a, b }) => run(kernels.linear, { x, weight, a, b }, { scale: 2 }),
    };
    yield {
      name: `${name} dx`,
      model,
      product: { direction: 'backward', timesInBlock },
      shape,
      flops,
      peak: bf16Peak,
      make,
      run: ({ dy, weight, a, b }) => run(kernels.linearInputGradient, { dy, weight, a, b }, { scale: 2 }),
    };
    if (layer !== 'gate, up') continue;
    yield {
      name: `${model} ${layer} f32 forward`,
      shape: `${tokens}×${inputs}→${outputs}`,
      flops: 2 * tokens * inputs * outputs,
      peak: peak.multiplyAdd,
      precision: 'f32',
      make: () => ({ x: random(tokens, inputs), weight: random(outputs, inputs) }),
      run: (inputs) => run(kernels.linear, inputs, { scale: 1 }),
    };
    yield {
      name: `${model} ${layer} dA, dB`,
      shape,
      flops: 4 * tokens * rank * (inputs + outputs), // two products for each of dA and dB
      peak: bf16Peak,
      make,
      run: ({ dy, x, a, b }) => run(kernels.linearLowRankGradient, { dy, x, a, b }, { scale: 2 }),
    };
    yield {
      name: `${model} ${layer} dW bf16`, // of a weight that is trained: bf16 factors, float32 sums
      shape: `${tokens}×${inputs}→${outputs}`,
      flops: 2 * tokens * inputs * outputs,
      peak: bf16Peak,
      make,
      run: ({ dy, x }) => run(kernels.linearWeightGradient, { dy, x }, {}),
    };
  }
}

function* attentions({ tokens, bf16Peak }, model, { heads: headCount, groups, size }) {
  const spans = [
    { queryStart: 0, queryLength: tokens, keyStart: 0, keyLength: tokens, prefixStart: 0, prefixLength: 0 },
  ];
  const attributes = { spans, scale: size ** -0.5, causal: true, window: 0 };
  const shape = `${tokens} tokens, ${headCount}/${groups} heads of ${size}, causal`;
  const flops = 2 * tokens * tokens * headCount * size; // two products over half of the square
  const make = () => {
    const [q, dy] = [random(tokens, headCount, size), random(tokens, headCount, size)];
    const [k, v] = [random(tokens, groups, size), random(tokens, groups, size)];
    const [out, logSumExp] = run(kernels.attention, { q, k, v }, attributes);
    return { q, k, v, dy, out, logSumExp };
  };
  yield {
    name: `${model} attention bf16 forward`,
    model,
    besides: 'forward',
    shape,
    flops,
    peak: bf16Peak,
    make,
    run: ({ q, k, v }) => run(kernels.attention, { q, k, v }, attributes),
  };
  yield {
    name: `${model} attention bf16 backward`,
    model,
    besides: 'backward',
    shape,
    flops: 2.5 * flops,
    peak: bf16Peak,
    make,
    run: (inputs) => run(kernels.attentionGradient, inputs, attributes),
  };
}

/** Answers are about half of the tokens. */
function* heads({ tokens, bf16Peak }, model, { hidden: columns }) {
  const selected = tokens / 2;
  const shape = `${selected}×${columns}→${vocabulary}`;
  const flops = 2 * selected * columns * vocabulary;
  const attributes = { entropy: false, squared: false, temperature: 1 };
  const make = () => {
    const hidden = random(tokens, columns);
    const head = bf16Weight(vocabulary, columns);
    const rows = tf.tensor1d(
      Int32Array.from({ length: selected }, (_, i) => 2 * i),
      'int32',
    );
    const targets = tf.tensor1d(
      Int32Array.from({ length: selected }, (_, i) => (i * 7919) % vocabulary),
      'int32',
    );
    return { hidden, head, rows, targets };
  };
  yield {
    name: `${model} head bf16 forward`,
    model,
    besides: 'forward',
    shape,
    flops,
    peak: bf16Peak,
    make,
    run: ({ hidden, head, rows, targets }) =>
      run(kernels.selectedLogProbs, { hidden, head, rows, targets }, attributes),
  };
  yield {
    name: `${model} head bf16 forward and backward`, // logits once, and the slope by the hidden states on the way
    model,
    besides: 'backward',
    shape,
    flops: 2 * flops,
    peak: bf16Peak,
    make,
    run: ({ hidden, head, rows, targets }) =>
      run(kernels.selectedLogProbsSlope, { hidden, head, rows, targets }, { temperature: 1 }),
  };
}

function* elementwise({ tokens }, model, { hidden, inner, heads: headCount, size }) {
  const bytes = (arrays, columns) => 4 * arrays * tokens * columns;
  const norm = () => ({ x: random(tokens, hidden), dy: random(tokens, hidden), weight: random(hidden) });
  yield {
    name: `${model} rmsNorm`,
    shape: `${tokens}×${hidden}`,
    bytes: bytes(2, hidden),
    make: norm,
    run: ({ x, weight }) => run(kernels.rmsNorm, { x, weight }, { epsilon: 1e-6 }),
  };
  yield {
    name: `${model} rmsNorm backward`,
    shape: `${tokens}×${hidden}`,
    bytes: bytes(3, hidden),
    make: norm,
    run: (inputs) => run(kernels.rmsNormGradient, inputs, { epsilon: 1e-6, wantsWeight: false }),
  };
  const gated = () => ({ gate: random(tokens, inner), up: random(tokens, inner), dy: random(tokens, inner) });
  yield {
    name: `${model} swiglu`,
    shape: `${tokens}×${inner}`,
    bytes: bytes(4, inner), // gate, up, y, and the two again in half the size
    make: gated,
    run: ({ gate, up }) => run(kernels.swiglu, { gate, up }, { keeps: true }),
  };
  yield {
    name: `${model} swiglu backward`,
    shape: `${tokens}×${inner}`,
    bytes: bytes(5, inner),
    make: gated,
    run: (inputs) => run(kernels.swigluGradient, inputs),
  };
  const turned = () => ({
    x: random(tokens, headCount, size),
    cos: random(tokens, size / 2),
    sin: random(tokens, size / 2),
  });
  yield {
    name: `${model} rope`,
    shape: `${tokens}×${headCount}×${size}`,
    bytes: bytes(2, headCount * size),
    make: turned,
    run: (inputs) => run(kernels.rope, inputs, { inverse: false }),
  };
}

function adamw() {
  const count = 1 << 24;
  const attributes = { learningRate: 1e-5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: 3, weightDecays: [0] };
  return {
    name: 'adamw',
    shape: `${count} parameters`,
    bytes: 4 * 7 * count, // four read, three written
    make: () => ({ parameter0: random(count), gradient0: random(count), m0: random(count), v0: tf.abs(random(count)) }),
    run: (inputs) => run(kernels.adamw, inputs, attributes),
  };
}

const random = (...shape) => tf.randomNormal(shape, 0, 0.5, 'float32', 7);
const run = (name, inputs, attributes) => tf.engine().runKernel(name, inputs, attributes);

function bf16Weight(rows, columns) {
  const words = new Uint16Array(rows * columns);
  for (let i = 0; i < words.length; i++) words[i] = ((i * 2_654_435_761) & 0x807f) | 0x3c80; // ±0.016 … ±0.031
  return frozenTensor([rows, columns], bf16, new Uint8Array(words.buffer));
}
