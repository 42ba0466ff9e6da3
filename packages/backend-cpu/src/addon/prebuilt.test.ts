// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildAddon } from './build.js';
import { findCompiler } from './compiler.js';
import { prebuiltAddon, prebuiltFile, prebuiltPackage } from './prebuilt.js';

let folder: string;
let installed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-prebuilt-'));
  installed = join(folder, 'node_modules', ...prebuiltPackage.split('/'));
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: prebuiltPackage, version: '0.1.0' }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const found = () => prebuiltAddon(pathToFileURL(join(folder, 'index.js')));

describe('the platform’s package', () => {
  it.skipIf(findCompiler() === null)('is loaded when its binary was made of these sources', async () => {
    copyFileSync(await buildAddon(), join(installed, prebuiltFile()));
    expect(Object.keys(found()!.kernels)).toContain('linear');
  });

  it('is passed over when it was made of other sources', () => {
    writeFileSync(join(installed, 'llmf-cpu-0123456789abcdef.node'), '');
    expect(found()).toBeNull();
  });

  it('is passed over when its binary does not load here', () => {
    writeFileSync(join(installed, prebuiltFile()), 'no shared library');
    expect(found()).toBeNull();
  });

  it('need not be installed', () => {
    rmSync(installed, { recursive: true });
    expect(found()).toBeNull();
  });
});
