// SPDX-License-Identifier: Apache-2.0
// Compiles the native addon unless it is there. Without a compiler it says so and succeeds: wasm is used then.
// Needs the package's TypeScript to be built.
//
// usage: node scripts/build-native.mjs [--all-paths]    with every instruction path, as tests need it
import { addonUnavailable } from '../dist/addon/load.js';
import { buildAddon, builtAddon } from '../dist/addon/build.js';
import { allPaths, pathsToCompile } from '../dist/addon/paths.js';

const paths = process.argv.includes('--all-paths') ? allPaths : pathsToCompile();
const reason = addonUnavailable();
if (reason !== null) {
  console.log(`The native CPU backend is left out: ${reason}. The wasm backend will be used.`);
} else if (builtAddon(paths) === null) {
  console.log('Compiling the native CPU backend …');
  await buildAddon({ paths });
}
