// SPDX-License-Identifier: Apache-2.0
// Makes this platform's package with the compiled addon: npm/<platform>/, e.g. @llmf/backend-cpu-linux-x64. The main
// package names such packages as optional dependencies when it is published (--declare), so that npm installs the one
// that fits; without one the addon is compiled on first use.
//
// usage: node scripts/prebuild.mjs [--pack]      make npm/<platform>, and its tarball
//        node scripts/prebuild.mjs --declare     add the optional dependencies to package.json, before publishing
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAddon } from '../dist/addon/build.js';
import { allPaths } from '../dist/addon/paths.js';
import { prebuiltFile, prebuiltPackage } from '../dist/addon/prebuilt.js';
import { packageFolder } from '../dist/addon/sources.js';

/** What .github/workflows/prebuild.yml builds. */
const platforms = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64'];

const { values: options } = parseArgs({ options: { pack: { type: 'boolean' }, declare: { type: 'boolean' } } });
const manifestFile = join(packageFolder, 'package.json');
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));

if (options.declare) declare();
else await make();

function declare() {
  const names = platforms.map((platform) => [`@llmf/backend-cpu-${platform}`, manifest.version]);
  const { dependencies, ...rest } = manifest;
  const declared = { ...rest, dependencies, optionalDependencies: Object.fromEntries(names) };
  writeFileSync(manifestFile, `${JSON.stringify(declared, null, 2)}\n`);
  console.log(`package.json names ${names.map(([name]) => name).join(', ')} at ${manifest.version}`);
}

async function make() {
  // With the C library in the folder's name, as others do; the package's name is what the loader asks for.
  const libc = process.platform === 'linux' ? (isGlibc() ? 'glibc' : 'musl') : null;
  if (libc === 'musl') throw new Error('Prebuilt packages for Linux are made with glibc; this is musl.');
  const suffix = libc === null ? '' : '-gnu';
  const folder = join(packageFolder, 'npm', `${process.platform}-${process.arch}${suffix}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(await buildAddon({ paths: allPaths }), join(folder, prebuiltFile()));
  copyFileSync(join(packageFolder, '..', '..', 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(platformManifest(libc), null, 2)}\n`);
  writeFileSync(
    join(folder, 'README.md'),
    `# ${prebuiltPackage}\n\nThe compiled kernels of \`@llmf/backend-cpu\` for ${process.platform} on ${process.arch}; that package installs and loads it.\n\nPart of llmf. Licence: Apache-2.0.\n`,
  );
  console.log(`made ${folder}`);
  if (options.pack) console.log(execFileSync('npm', ['pack', '--silent'], { cwd: folder, encoding: 'utf8' }).trim());
}

function platformManifest(libc) {
  const { version, license, publishConfig, engines } = manifest;
  return {
    name: prebuiltPackage,
    version,
    description: `Compiled kernels of @llmf/backend-cpu for ${process.platform} on ${process.arch}.`,
    license,
    os: [process.platform],
    cpu: [process.arch],
    ...(libc !== null && { libc: [libc] }),
    files: [prebuiltFile()],
    engines,
    publishConfig: { access: publishConfig.access },
  };
}

function isGlibc() {
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}
