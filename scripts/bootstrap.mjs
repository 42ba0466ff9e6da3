// SPDX-License-Identifier: Apache-2.0
// Prepares a checkout with Node.js and npm alone: installs once per lockfile, then builds what changed.
//
// usage: node scripts/bootstrap.mjs [--all-paths]    native kernels for every instruction path, as tests need them
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.llmf-setup');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

checkNode();
if (!isInstalled()) install();
build();

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `llmf needs Node.js 20.19 or newer; this is ${process.versions.node} (${process.execPath}). ` +
      'Install a newer one from https://nodejs.org, or with a version manager: nvm install 20',
  );
}

function isInstalled() {
  return existsSync(compiler) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp();
}

/** Changes whenever an earlier install may no longer fit: lockfile, settings, Node.js, platform or folder. */
function stamp() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)));
  return hash.update(`${process.version} ${process.platform} ${process.arch} ${root}`).digest('hex');
}

function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  console.log(`Installing the dependencies with ${packageManager} (first time only) …`);
  run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'], {
    hint: 'Installing failed. It needs access to the npm registry; behind a proxy, set HTTPS_PROXY and try again.',
    env: { ...process.env, CI: 'true' },
    shell: process.platform === 'win32', // npx is a .cmd file there
  });
  writeFileSync(stampFile, stamp());
}

function build() {
  run(process.execPath, [compiler, '-b'], { hint: 'The build failed; see the errors above.' });
  // Without a C++ compiler this says so and succeeds: the wasm backend is used then.
  run(
    process.execPath,
    [join(root, 'packages', 'backend-cpu', 'scripts', 'build-native.mjs'), ...process.argv.slice(2)],
    {
      hint: 'Building the native backend failed; see the errors above.',
    },
  );
}

function run(command, args, { hint, ...options }) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (status !== 0) fail(error ? `${hint} (${error.message})` : hint, status);
}

function fail(message, status) {
  console.error(message);
  process.exit(status || 1);
}
