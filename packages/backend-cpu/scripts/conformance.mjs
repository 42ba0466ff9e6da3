// SPDX-License-Identifier: Apache-2.0
// Runs tfjs-core's own specs (over 4,200) on the native backend, and closes with "N specs passed, M failed".
// Left out: only "computation in worker", as tfjs's own backends do. LLMF_CPU_ISA chooses an instruction path.
// Without a C++ compiler it says so and succeeds.
// The specs are ES modules without file extensions, which Node.js cannot load: they are bundled first.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { addonUnavailable } from '../dist/addon/load.js';
import { startNativeBackend, tfBackendName } from '../dist/index.js';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

const reason = addonUnavailable();
if (reason !== null) {
  console.log(`tfjs-core's specs were not run: ${reason}.`);
  process.exit(0);
}

const { addon } = await startNativeBackend({ threads: null, sharedFrom: 0 });
const jasmineRequire = require('jasmine-core/lib/jasmine-core/jasmine.js');
const jasmine = jasmineRequire.core(jasmineRequire);
const environment = jasmine.getEnv();
Object.assign(globalThis, jasmineRequire.interface(jasmine, environment));
environment.configure({ random: false });

const counts = { passed: 0, failed: 0, pending: 0 };
environment.addReporter({ specDone: count, jasmineDone: close });
const folder = mkdtempSync(join(tmpdir(), 'llmf-conformance-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
require(await bundle());
console.log(`tfjs-core's specs on ${tfBackendName}, instruction path ${addon.path} …`);
environment.execute();

function count({ status, fullName, failedExpectations }) {
  if (status === 'excluded') return;
  counts[status]++;
  if (status === 'failed')
    console.log(`FAILED ${fullName}\n  ${failedExpectations.map((e) => e.message).join('\n  ')}`);
}

function close() {
  console.log(`${counts.pending} pending (not for this environment)`);
  console.log(`${counts.passed} specs passed, ${counts.failed} failed`);
  process.exit(counts.failed === 0 && counts.passed > 4200 ? 0 : 1);
}

async function bundle() {
  // The environment must be set before the spec modules load, hence two modules.
  const setup = join(folder, 'setup.js');
  writeFileSync(
    setup,
    `import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setTestEnvs, setupTestFilters } from '@tensorflow/tfjs-core/dist/jasmine_util';
setTestEnvs([{ name: '${tfBackendName}', backendName: '${tfBackendName}', isDataSync: true }]);
setupTestFilters([], (name) => !name.includes('computation in worker'));
`,
  );
  const entry = join(folder, 'entry.js');
  writeFileSync(entry, `import './setup.js';\nimport '@tensorflow/tfjs-core/dist/tests';\n`);
  const core = dirname(require.resolve('@tensorflow/tfjs-core/package.json'));
  const build = await rolldown({
    input: entry,
    platform: 'node',
    treeshake: false, // core calls its specs and gradients free of side effects
    logLevel: 'silent',
    resolve: {
      mainFields: ['module', 'main'],
      alias: { '@tensorflow/tfjs-core': core, 'jasmine-core': join(here, '../node_modules/jasmine-core') },
    },
  });
  const file = join(folder, 'specs.cjs');
  await build.write({ file, format: 'cjs' });
  return file;
}
