// SPDX-License-Identifier: Apache-2.0
/** Every architecture with rows for more tokens: saved and loaded, it gives the old tokens the logits they had. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsBackend, logitsOf, tf, type ForwardContext, type Model } from '@llmf/nn';
import { architectures, createModelLoader, grownModel } from '@llmf/models';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../fixtures', import.meta.url));
const names = readdirSync(root).filter((name) => existsSync(join(root, name, 'model.safetensors')));
const find = (modelType: string) => architectures.find(({ name }) => name === modelType)!;
const loader = createModelLoader({ find });
const load = (folder: string) => loader.load(folder, { isTrainable: () => false, find });

let scratch: string;
beforeAll(async () => {
  await jsBackend.start({}, 'f32');
  scratch = mkdtempSync(join(tmpdir(), 'llmf-grown-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const ids = Int32Array.of(7, 3, 11, 4);

/** [tokens, V] of a row of ids; of an encoder–decoder the first two are its prompt. */
function logits(model: Model): { readonly values: Float32Array; readonly vocabulary: number } {
  return tf.tidy(() => {
    const context: ForwardContext = {
      segments:
        model.decoderStart === undefined
          ? [{ start: 0, length: 4 }]
          : [
              { start: 0, length: 2 },
              { start: 2, length: 2, source: 0 },
            ],
      positions: Int32Array.of(0, 1, 2, 3),
      adapter: null,
      training: false,
      randomKey: { seed: 1, stream: 'grown', step: 0, microbatch: 0 },
      gradientCheckpointing: false,
    };
    const found = logitsOf(model, model.forward(model.embed(ids), context), [2, 3], context);
    return { values: found.dataSync() as Float32Array, vocabulary: found.shape[1] };
  });
}

it.each(names)('%s', async (name) => {
  const model = await load(join(root, name));
  const known = model.vocabularySize;
  const tensors = tf.memory().numTensors;
  const grown = await grownModel(model, find(model.modelType), { known, count: 3 });
  expect(grown.rows).toBe(known + 3);
  await loader.save(grown.model, join(scratch, name), { source: join(root, name), dtype: 'auto' });
  grown.dispose();
  expect(tf.memory().numTensors).toBe(tensors);
  const again = await load(join(scratch, name));
  expect(again.vocabularySize).toBe(known + 3);
  const [before, after] = [logits(model), logits(again)];
  expect(after.vocabulary).toBe(known + 3);
  for (const row of [0, 1]) {
    const own = after.values.subarray(row * (known + 3), row * (known + 3) + known);
    expect(own).toEqual(before.values.subarray(row * known, (row + 1) * known));
    // Each new token's logit is that of the mean row: the mean of all logits, where no cap bends them.
    const [first, second, third] = after.values.subarray(row * (known + 3) + known);
    expect([second, third]).toEqual([first, first]);
  }
  model.dispose();
  again.dispose();
});

it('covers every architecture of the package', async () => {
  const types = await Promise.all(names.map(async (name) => (await loader.inspect(join(root, name), find)) && name));
  expect(types.length).toBeGreaterThan(architectures.length);
});
