// SPDX-License-Identifier: Apache-2.0
// Loads the classifiers of packages/models/classifier-fixtures and saves them again, for classifiers.py --check:
//   node oracles/models/save_classifiers.mjs OUT      (after `npm run build`)
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { architectures, createModelLoader } from '../../packages/models/dist/index.js';
import { AttachedHead, savedLora, tf } from '../../packages/nn/dist/index.js';

const packageFolder = fileURLToPath(new URL('../../packages/models', import.meta.url));
const out = process.argv[2];
if (out === undefined) throw new Error('usage: node oracles/models/save_classifiers.mjs OUT');
const find = (type) => architectures.find(({ name }) => name === type);
const loader = createModelLoader({ find });
const attached = ({ heads, ...saved }, { hiddenSize }) =>
  heads.map((head) => AttachedHead.load(head, hiddenSize, saved));

for (const name of readdirSync(join(packageFolder, 'classifier-fixtures'))) {
  const source = join(packageFolder, 'classifier-fixtures', name);
  const model = await loader.load(source, { isTrainable: () => true, find });
  const heads = attached(await loader.heads(source), model);
  await loader.save(model, join(out, name, 'model'), { source, dtype: 'auto', heads });

  const base = join(packageFolder, 'fixtures', name);
  const merged = await loader.load(base, { isTrainable: () => true, find, withoutHead: true });
  const adapter = await savedLora(merged, join(source, 'adapter'), '--adapter');
  const ofAdapter = attached(adapter.heads, merged);
  await loader.saveAdapter(adapter, join(out, name, 'adapter'), { source: base, heads: ofAdapter });
  for (const [path, { weight }] of merged.linears) {
    const low = adapter.lowRank(path);
    if (low !== null) weight.assign(tf.add(weight, tf.mul(tf.matMul(low.b, low.a), low.scale)));
  }
  await loader.save(merged, join(out, name, 'merged'), { source: base, dtype: 'auto', heads: ofAdapter });
  console.log(name);
}
