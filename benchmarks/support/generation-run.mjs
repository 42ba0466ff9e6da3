// SPDX-License-Identifier: Apache-2.0
// One run of generation.mjs, in a process of its own; prints one JSON object.
//
// usage: node generation-run.mjs '{ "folder": …, "batch": 1, "prompt": 64, "tokens": 48, "precision": "bf16", "threads": 2 }'
import { cpuBackend } from '@llmf/backend-cpu';
import { uniforms } from '@llmf/core';
import { architectures, createModelLoader } from '@llmf/models';
import { BatchedGenerator, packedBytes, packedOf } from '@llmf/nn';
import { awqLayout, bitsandbytesLayout, fp4, ggufBlocks, gptqLayout, int4, int8, nf4 } from '@llmf/quantization';

const task = JSON.parse(process.argv[2]);
const started = await cpuBackend.start({ threads: task.threads }, task.precision);
const find = (modelType) => architectures.find(({ name }) => name === modelType);
const { mapFile } = started;
const forms = {
  formats: () => [nf4, fp4, int8, int4, ...ggufBlocks],
  layouts: () => [bitsandbytesLayout, gptqLayout, awqLayout],
};
const model = await createModelLoader({ find, forms }).load(task.folder, { isTrainable: () => false, find, mapFile });

const requests = Array.from({ length: task.batch }, (_, row) => ({ ids: randomIds(row), key: String(row) }));
await generated(requests, 4); // pages and code are warm then
const { seconds, tokens } = await generated(requests, task.tokens);
const read = [...model.parameters.values()].filter(isReadWhole);
console.log(
  JSON.stringify({
    seconds,
    tokens,
    path: started.numerics.replace('cpu-', ''),
    weightBytes: read.reduce((sum, { value }) => sum + bytesOf(value), 0),
    weights: read.reduce((sum, { value }) => sum + value.size, 0),
    cacheBytes: cacheBytes(),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  }),
);

function randomIds(row) {
  const key = { seed: 0, stream: 'benchmark', step: row, microbatch: 0 };
  return Int32Array.from(uniforms(key, 'ids', task.prompt), (u) => Math.floor(u * model.vocabularySize));
}

/** Seconds from when every sequence has its first token, and the tokens written from then on. */
async function generated(given, maxNewTokens) {
  let began = 0;
  let tokens = 0;
  const first = new Set();
  const onToken = ({ request }) => {
    if (first.size < given.length) {
      first.add(request);
      if (first.size === given.length) began = performance.now();
    } else tokens++;
  };
  const settings = { maxNewTokens, seed: 1, logProbs: true, onToken };
  let ended = 0;
  for await (const _ of new BatchedGenerator(model, { maxSequences: given.length }).complete(given, settings)) ended++;
  if (ended !== given.length) throw new Error(`${ended} of ${given.length} answers ended`);
  return { seconds: (performance.now() - began) / 1000, tokens };
}

/** Matrices that a token reads whole: all but an embedding table that is not the head as well. */
function isReadWhole({ value }) {
  return (
    value.shape.length === 2 &&
    (value === model.head.weight || [...model.linears.values()].some(({ weight }) => weight === value))
  );
}

function bytesOf(value) {
  const packed = packedOf(value);
  return packed === null ? value.size * 4 : packedBytes(packed);
}

/** Of the arena of keys and values, of all sequences in float32. */
function cacheBytes() {
  const { num_hidden_layers: layers, num_attention_heads: heads, hidden_size: hidden } = model.config;
  const groups = model.config.num_key_value_heads ?? heads;
  const size = model.config.head_dim ?? hidden / heads;
  return task.batch * (task.prompt + task.tokens) * layers * 2 * groups * size * 4;
}
