// SPDX-License-Identifier: Apache-2.0
/** PiSSA and OLoRA against what PEFT computed and converted (oracles/adapters/make_fixtures.py). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { olora, pissa } from '@llmf/adapters';
import { readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import {
  adapterKindOf,
  jsBackend,
  lora,
  tf,
  type Adapter,
  type AttachedAdapter,
  type LinearLayer,
  type Model,
} from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attached, baseFolder, folderOf, intsOf, largest, loader, loadTiny, logits, norm, train } from './tiny.js';

let scratch: string;
beforeAll(async () => {
  await jsBackend.start({}, 'f32');
  scratch = process.env['LLMF_SAVED_ADAPTERS'] ?? mkdtempSync(join(tmpdir(), 'llmf-adapters-'));
});
afterAll(() => {
  if (process.env['LLMF_SAVED_ADAPTERS'] === undefined) rmSync(scratch, { recursive: true, force: true });
});

const cases: readonly (readonly [name: string, kind: Adapter, options: Record<string, unknown>])[] = [
  ['pissa', pissa, { rank: 3, alpha: 6, targets: ['q_proj', 'down_proj'] }],
  ['pissa-rs', pissa, { rank: 2, alpha: 3, rsLora: true, targets: ['v_proj'] }],
  ['olora', olora, { rank: 3, alpha: 6, targets: ['q_proj', 'down_proj'] }],
];

describe.each(cases)('%s', (name, kind, options) => {
  let model: Model;
  let expected: Readonly<Record<string, HostTensor>>;
  let ids: Int32Array;
  beforeAll(async () => {
    model = await loadTiny('llama');
    expected = await readSafetensors(folderOf(name, 'expected.safetensors'));
    ids = intsOf(expected['ids']!);
  });
  afterAll(() => model.dispose());
  const changed = (adapter: AttachedAdapter) =>
    [...model.linears.values()].filter(({ path }) => adapter.changes!(path));
  /** s·B A of a layer. */
  const update = (adapter: AttachedAdapter, { path }: LinearLayer) => {
    const { a, b, scale } = adapter.lowRank(path)!;
    return tf.tidy(() => tf.mul(tf.matMul(b as never, a as never), scale).dataSync() as Float32Array);
  };
  const error = (got: Float32Array, wanted: Float32Array) =>
    norm(got.map((value, at) => value - wanted[at]!)) / norm(wanted);

  it("begins with PEFT's part of each weight, to 1e-4 of it, and gives what the base gives, to 1e-5", async () => {
    const adapter = await attached(kind, model, options);
    expect(changed(adapter)).toHaveLength(Object.keys(expected).filter((key) => key.startsWith('start.')).length);
    for (const layer of changed(adapter))
      expect(error(update(adapter, layer), toFloat32(expected[`start.${layer.path}`]!)), layer.path).toBeLessThan(1e-4);
    expect(largest(logits(model, adapter, ids), logits(model, null, ids))).toBeLessThan(1e-5);
    adapter.dispose();
  });

  it("trains as PEFT's for 20 steps: each loss to 1e-3 of it, the change of each weight to 1e-2; is written as what PEFT converts it to", async () => {
    const tensors = tf.memory().numTensors;
    const adapter = await attached(kind, model, options);
    const before = new Map(changed(adapter).map((layer) => [layer.path, update(adapter, layer)]));
    const losses = train(model, adapter, ids, 20);
    for (const [step, loss] of toFloat32(expected['losses']!).entries())
      expect(Math.abs(losses[step]! - loss) / loss, `step ${step + 1}`).toBeLessThan(1e-3);
    for (const layer of changed(adapter)) {
      const change = update(adapter, layer).map((value, at) => value - before.get(layer.path)![at]!);
      expect(error(change, toFloat32(expected[`change.${layer.path}`]!)), layer.path).toBeLessThan(1e-2);
    }
    const folder = join(scratch, name, 'adapter');
    mkdirSync(folder, { recursive: true });
    await loader.saveAdapter(adapter, folder, { source: baseFolder('llama') });
    const trained = logits(model, adapter, ids);
    const rows = Array.from(ids, (_, at) =>
      Array.from(trained.slice(at * model.vocabularySize, (at + 1) * model.vocabularySize)),
    );
    writeFileSync(join(scratch, name, 'expected.json'), JSON.stringify({ base: 'llama', ids: [...ids], logits: rows }));
    for (const [saved, wanted, bound] of [
      [folder, trained, 1e-5],
      [folderOf(name, 'saved'), toFloat32(expected['logits']!), 1e-5],
    ] as const) {
      const found = await adapterKindOf([lora, pissa, olora], saved, '--adapter');
      expect(found.name).toBe('lora');
      const plain = await found.load(model, saved, '--adapter');
      expect(largest(logits(model, plain, ids), wanted)).toBeLessThan(bound);
      plain.dispose();
    }
    adapter.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('put into the weights gives the same product', async () => {
    const adapter = await attached(kind, model, options);
    for (const variable of adapter.variables.values()) tf.tidy(() => variable.assign(tf.add(variable, 0.01)));
    for (const layer of changed(adapter)) {
      const added = tf.tidy(() => {
        const x = tf.eye(layer.inputs);
        const y = (layer as unknown as { forward(x: tf.Tensor, context: object): tf.Tensor }).forward(x, { adapter });
        const { weight } = adapter.merged!(layer)!;
        const difference = tf.max(tf.abs(tf.sub(tf.transpose(weight), y))).dataSync()[0]!;
        weight.dispose();
        return difference;
      });
      expect(added).toBeLessThan(1e-5);
    }
    adapter.dispose();
  });

  it('refuses a rank beyond the smaller side of a weight', async () => {
    await expect(attached(kind, model, { ...options, rank: 40 })).rejects.toThrow(
      /LLMF_ADAPTERS_RANK[^]*got: 40[^]*at most 32/,
    );
  });
});
