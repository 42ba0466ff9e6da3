// SPDX-License-Identifier: Apache-2.0
// Builds and runs test-native, the kernels' tests without Node.js: under AddressSanitizer and
// UndefinedBehaviorSanitizer, under ThreadSanitizer with two callers at once, for arm64 under qemu, and as clang compiles
// them. Does what this machine has the tools for, and names what it left out; with --all that is a failure. Closes with
// "N passed, N failed, N skipped".
//
// usage: node scripts/test-native.mjs [--all] [address|thread|arm64|clang …]
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, findCompiler } from '../dist/addon/compiler.js';
import { pathsOf } from '../dist/addon/paths.js';
import { nativeSources, packageFolder, sourceFolder } from '../dist/addon/sources.js';
import { pathFlags, unitFlags, unitsOf } from '../dist/addon/units.js';
import { writeSignatures } from '../dist/addon/write-signatures.js';

const compiler = findCompiler();
const common = ['-std=c++20', '-pthread', '-ffp-contract=off', '-fno-math-errno', '-Wall', '-Wextra', '-Wno-psabi'];
const sanitized = ['-O1', '-g', '-fno-omit-frame-pointer', '-fno-sanitize-recover=all'];
const variants = {
  address: {
    claim: 'no address or undefined-behaviour error',
    compiler,
    architecture: process.arch,
    flags: [...sanitized, '-fsanitize=address,undefined'],
    run: (program) => [program, '--cases', '30', '--threads', '3'],
  },
  thread: {
    claim: 'no data race, two callers at once',
    compiler,
    architecture: process.arch,
    flags: [...sanitized, '-fsanitize=thread'],
    run: (program) => [program, '--cases', '8', '--threads', '3', '--callers', '2'],
  },
  arm64: {
    claim: 'the NEON and scalar paths of arm64',
    compiler: 'aarch64-linux-gnu-g++',
    architecture: 'arm64',
    flags: ['-O2', '-static'],
    run: (program) => ['qemu-aarch64', program, '--cases', '20', '--threads', '2'],
    needs: 'qemu-aarch64',
  },
  clang: {
    claim: 'every path as clang compiles it, the compiler of macOS',
    compiler: 'clang++',
    architecture: process.arch,
    flags: ['-O2'],
    run: (program) => [program, '--cases', '20', '--threads', '2'],
  },
};

const isStrict = process.argv.includes('--all');
const wanted = process.argv.slice(2).filter((word) => word !== '--all');
const unknown = wanted.find((name) => !(name in variants));
if (unknown !== undefined) {
  console.error(`There is no variant ${unknown}; known are ${Object.keys(variants).join(', ')}.`);
  process.exit(2);
}

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const [name, variant] of Object.entries(variants)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  counts[await test(name, variant)]++;
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 && !(isStrict && counts.skipped > 0) ? 0 : 1;

async function test(name, variant) {
  const missing = missingTool(variant);
  if (missing !== null) {
    console.log(`${name} (${variant.claim}): skipped, ${missing}`);
    return 'skipped';
  }
  const folder = mkdtempSync(join(tmpdir(), 'llmf-test-native-'));
  try {
    if (name !== 'arm64' && !(await links(variant, folder))) {
      console.log(
        `${name} (${variant.claim}): skipped, ${variant.compiler} has no runtime for ${variant.flags.at(-1)}`,
      );
      return 'skipped';
    }
    console.log(`${name} (${variant.claim}) …`);
    const [command, ...words] = variant.run(await build(variant, folder));
    const { status, error } = spawnSync(command, words, { stdio: 'inherit' });
    if (status !== 0) console.log(`${name}: failed${error ? `, ${error.message}` : ` with exit status ${status}`}`);
    return status === 0 ? 'passed' : 'failed';
  } catch (error) {
    console.log(`${name}: failed, ${error.message}`);
    return 'failed';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function missingTool({ compiler: command, needs }) {
  if (command === null) return 'no C++ compiler was found (g++, clang++ or $CXX)';
  const missing = [command, ...(needs ? [needs] : [])].find((tool) => spawnSync(tool, ['--version']).status !== 0);
  return missing === undefined ? null : `${missing} is not installed`;
}

/** Compilers come without some sanitizers' runtimes. */
async function links({ compiler: command, flags }, folder) {
  const program = join(folder, 'empty');
  const { status } = spawnSync(command, ['-x', 'c++', ...flags, '-', '-o', program], { input: 'int main() {}' });
  return status === 0;
}

async function build({ compiler: command, architecture, flags }, folder) {
  const kernelUnits = unitsOf(nativeSources([]).kernelFiles);
  writeSignatures(folder, kernelUnits);
  const native = join(sourceFolder, 'native');
  const tests = join(packageFolder, 'test-native');
  const objects = join(folder, 'objects');
  mkdirSync(objects);
  const paths = pathsOf(architecture);
  const isa = join(native, 'isa.cc');
  const units = [
    ...filesOf(native, ['addon.cc', 'isa.cc']).map((file) => ({ file, own: pathFlags(paths) })),
    ...filesOf(tests).map((file) => ({ file, own: [] })),
    ...paths.flatMap((path) => kernelUnits.map((unit) => ({ file: isa, own: unitFlags(folder, unit, path) }))),
  ].map((unit, index) => ({ ...unit, object: join(objects, `${index}.o`) }));
  const includes = [folder, sourceFolder, native, tests].map((path) => `-I${path}`);
  const queue = [...units];
  const worker = async () => {
    for (let unit = queue.pop(); unit !== undefined; unit = queue.pop()) {
      await compile(command, [...common, ...flags, ...unit.own, ...includes, '-c', unit.file, '-o', unit.object]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const program = join(folder, 'test-native');
  await compile(command, [...common, ...flags, ...units.map(({ object }) => object), '-o', program]);
  return program;
}

function filesOf(folder, without = []) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.cc') && !without.includes(file))
    .map((file) => join(folder, file));
}
