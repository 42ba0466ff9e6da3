// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogueFiles, errorCatalogue, sourceFiles } from '../scripts/docs/error-catalogue.mjs';
import { packages } from '../scripts/docs/packages.mjs';
import { repository } from './support/command.js';
import { pageNamed } from './support/docs.js';

interface Entry {
  readonly folder: string;
  readonly code: string;
  readonly status: 1 | 2;
  readonly what: string;
  readonly fix?: string;
}

const entries: Entry[] = await errorCatalogue((file: string) => import(/* @vite-ignore */ file));
const sources: string[] = packages().flatMap(({ folder }: { folder: string }) =>
  sourceFiles(join(repository, 'packages', folder, 'src')),
);
const matches = (pattern: RegExp) =>
  sources.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(pattern)].map(() => relative(repository, file).replaceAll('\\', '/')),
  );

describe('the catalogue of errors', () => {
  it('holds every code once', () => {
    const codes = entries.map(({ code }) => code);
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
    expect(codes.length).toBeGreaterThanOrEqual(170);
  });

  it('is complete: no package defines errors where it is not looked for', () => {
    const calls = matches(/\bdefineErrors\((?!packageName)/g).filter((file) => file !== 'packages/core/src/errors.ts');
    const found = catalogueFiles().flatMap(({ file }: { file: string }) =>
      [...readFileSync(file, 'utf8').matchAll(/^export const \w+ = defineErrors\(/gm)].map(() =>
        relative(repository, file),
      ),
    );
    expect(found).toEqual(calls);
    expect(found.length).toBeGreaterThanOrEqual(16);
  });

  it('names the package in the code', () => {
    const strangers = entries.filter(
      ({ folder, code }) => !code.startsWith(`LLMF_${folder.replaceAll('-', '_').toUpperCase()}_`),
    );
    expect(strangers).toEqual([]);
  });

  it('is documented, code by code', () => {
    const { text } = pageNamed('docs/errors.md');
    expect(entries.filter(({ code }) => !text.includes(`| \`${code}\``))).toEqual([]);
  });

  it('says what to do wherever it is the user who can', () => {
    const silentOnes = [
      'LLMF_NN_SAMPLING', // `expected` is all there is to say
      // wrong arguments of a function, met by who writes code
      'LLMF_CORE_SAFETENSORS_DATA',
      'LLMF_NN_GRADIENT_SHAPE',
      'LLMF_NN_INDEX',
      'LLMF_NN_LOSS_NOT_SCALAR',
      'LLMF_NN_SHAPE',
      'LLMF_NN_VALUE',
    ];
    const silent = entries.filter(({ status, fix }) => status === 1 && (fix ?? '') === '').map(({ code }) => code);
    expect(silent.toSorted()).toEqual(silentOnes.toSorted());
  });
});

describe('errors without a code', () => {
  /** Each is caught nearby and becomes the reason inside a coded error, or cannot be met by a user. */
  const allowed: Record<string, [count: number, reason: string]> = {
    'packages/backend-cpu/src/addon/bind-kernels.ts': [1, 'a kernel that is declared badly: a programming mistake'],
    'packages/core/src/files/protobuf.ts': [2, 'a message of our own that is cut off; checksums are compared before'],
    'packages/sweep/src/distribution.ts': [1, 'reason of LLMF_CLI_SWEEP_JOURNAL'],
    'packages/sweep/src/journal.ts': [2, 'reason of LLMF_CLI_SWEEP_JOURNAL'],
    'packages/tracker-wandb/src/online.ts': [1, 'becomes the one warning of a tracker'],
    'packages/tracker-wandb/src/server.ts': [3, 'becomes the one warning of a tracker'],
    'packages/data/src/workers/worker-pool.ts': [1, 'a worker that ended; the pool reports its rows as failed'],
    'packages/data/src/store/row-view.ts': [1, 'an index beyond the rows: a programming mistake'],
    'packages/jinja/src/syntax/string-literal.ts': [4, 'reason of LLMF_JINJA_SYNTAX'],
    'packages/jinja/src/values/to-value.ts': [
      1,
      'a value of the host that no template can hold: a programming mistake',
    ],
    'packages/nn/src/adapters/pattern-key.ts': [
      4,
      'reason of LLMF_NN_BAD_PATTERN, or of a refused adapter_config.json',
    ],
    'packages/testkit/src/losses/describe-loss.ts': [1, 'fails a test of the loss that is described'],
    'packages/vision/src/decode/decode-gif.ts': [6, 'reason of LLMF_VISION_DECODE_FAILED'],
    'packages/vision/src/decode/decode-image.ts': [1, 'reason of LLMF_VISION_DECODE_FAILED'],
  };

  it('are thrown in these places only', () => {
    const thrown = matches(/new (?:Type|Range)?Error\(/g);
    const counts = Object.fromEntries(
      [...new Set(thrown)].map((file) => [file, thrown.filter((each) => each === file).length]),
    );
    expect(counts).toEqual(Object.fromEntries(Object.entries(allowed).map(([file, [count]]) => [file, count])));
  });
});
