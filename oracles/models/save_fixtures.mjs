// SPDX-License-Identifier: Apache-2.0
// Loads every fixture of packages/models and saves it again, for check_saved.py:
//   node oracles/models/save_fixtures.mjs OUT      (after `npm run build`)
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { architectures, createModelLoader } from '../../packages/models/dist/index.js';
import { savedLora } from '../../packages/nn/dist/index.js';

const fixtures = fileURLToPath(new URL('../../packages/models/fixtures', import.meta.url));
const out = process.argv[2];
if (out === undefined) throw new Error('usage: node oracles/models/save_fixtures.mjs OUT');
const find = (type) => architectures.find(({ name }) => name === type);
const whole = createModelLoader({ find });
const sharding = createModelLoader({ find, shardBytes: 30_000 });

for (const name of readdirSync(fixtures)) {
  if (!existsSync(join(fixtures, name, 'config.json'))) continue;
  const source = join(fixtures, name);
  const trainable = await whole.load(source, { isTrainable: () => true, find });
  await whole.save(trainable, join(out, name, 'auto'), { source, dtype: 'auto' });
  await sharding.save(trainable, join(out, name, 'sharded'), { source, dtype: 'auto' });
  await whole.save(trainable, join(out, name, 'bf16'), { source, dtype: 'BF16' });
  if (existsSync(join(source, 'adapter'))) {
    const adapter = await savedLora(trainable, join(source, 'adapter'));
    await whole.saveAdapter(adapter, join(out, name, 'adapter'), { source: join(out, name, 'auto') });
  }
  console.log(name);
}
