// SPDX-License-Identifier: Apache-2.0
// What the articles show, with their own files and flags, on models and data that are made here:
//   node run.mjs llamafactory | medicalgpt | trlx | frozen | llama2 [--output FOLDER]
// The last line is JSON: what came out.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const experiments = ['llamafactory', 'medicalgpt', 'trlx', 'frozen', 'llama2'];
const { values, positionals } = parseArgs({
  options: { output: { type: 'string', default: join(here, 'runs') } },
  allowPositionals: true,
});
const [name] = positionals;
if (!experiments.includes(name)) {
  console.error(`name one of ${experiments.join(', ')}`);
  process.exit(1);
}
const folder = join(values.output, name);
rmSync(folder, { recursive: true, force: true });
const { run } = await import(`./${name}/experiment.mjs`);
console.log(JSON.stringify(await run(folder)));
