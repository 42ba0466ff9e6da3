// SPDX-License-Identifier: Apache-2.0
// A folder of random bf16 weights in shards, in minutes even where there are eight billion: matrices are pieces of one pool
// of normal numbers, each from another place of it.
//
// usage: node benchmarks/support/random-shards.mjs CONFIG.json FOLDER
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { float32ToBf16, normals, streamSafetensors } from '@llmf/core';
import { architectures } from '@llmf/models';

const [configFile, folder] = process.argv.slice(2);
const config = { ...JSON.parse(readFileSync(configFile, 'utf8')), torch_dtype: 'bfloat16' };
const architecture = architectures.find(({ name }) => name === config.model_type);
const poolSize = (1 << 24) + 3; // odd, so that rows of a matrix are not each other's copies
const shardBytes = 5e9;

const random = normals({ seed: 0, stream: 'init', step: 0, microbatch: 0 }, 'pool', poolSize);
const pool = float32ToBf16(random.map((value) => value * (config.initializer_range ?? 0.02)));
const weights = [...architecture.weights(config)];
const shards = [[]];
let bytes = 0;
for (const [index, [name, info]] of weights.entries()) {
  const size = info.shape.reduce((product, each) => product * each, 1);
  if (bytes > 0 && bytes + 2 * size > shardBytes) {
    shards.push([]);
    bytes = 0;
  }
  bytes += 2 * size;
  shards.at(-1).push({ name, dtype: 'BF16', shape: info.shape, data: () => valuesOf(info.init, size, index) });
}
mkdirSync(folder, { recursive: true });
const nameOf = (index) => `model-${digits(index + 1)}-of-${digits(shards.length)}.safetensors`;
for (const [index, tensors] of shards.entries()) {
  await streamSafetensors(join(folder, nameOf(index)), tensors);
  console.log(nameOf(index));
}
const map = shards.flatMap((tensors, index) => tensors.map(({ name }) => [name, nameOf(index)]));
writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: Object.fromEntries(map) }));
writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
const tokenizer = join(import.meta.dirname, '..', '..', 'examples', 'first-run', 'architecture'); // ids are given: it never encodes
for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(tokenizer, name), join(folder, name));

function digits(number) {
  return String(number).padStart(5, '0');
}

function valuesOf(init, size, index) {
  const values = new Uint16Array(size);
  if (init !== 'normal') return bytesOf(values.fill(init === 'ones' ? 0x3f80 : 0));
  for (let at = 0, from = (index * 7919) % poolSize; at < size; from = 0) {
    const taken = Math.min(size - at, poolSize - from);
    values.set(pool.subarray(from, from + taken), at);
    at += taken;
  }
  return bytesOf(values);
}

function bytesOf({ buffer, byteLength }) {
  return new Uint8Array(buffer, 0, byteLength);
}
