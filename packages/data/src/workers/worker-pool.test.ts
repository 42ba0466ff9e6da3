// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fakeRun } from '../../test/fake-run.js';
import { chatmlTokenizer, temporaryFolder, write } from '../../test/tiny-tokenizers.js';
import { openData } from '../service.js';
import { packFailure, packJob, unpackFailure, unpackRows } from './encode-jobs.js';
import { errors } from '../errors.js';
import { RowProblem } from '../readers/row-reader.js';
import { rowsThatPay, workerCount, workerFile } from './worker-pool.js';

const sourceFolder = fileURLToPath(new URL('..', import.meta.url));
const newestSource = Math.max(
  ...readdirSync(sourceFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs),
);
const built = workerFile();
const stamp = fileURLToPath(new URL('../../dist/.tsbuildinfo', import.meta.url));
const isFresh = built !== null && existsSync(stamp) && statSync(stamp).mtimeMs >= newestSource;
// The worker is the built file; an older build would test another program. `tsc -b packages/data` makes it.
const withWorker = isFresh ? describe : describe.skip;

withWorker('tokenizing in workers (needs an up-to-date dist/)', () => {
  const model = chatmlTokenizer();
  const folder = temporaryFolder();
  const pairs = Array.from({ length: 700 }, (_, at) => ({
    prompt: `Question ${at}?`,
    chosen: `good ${at}`,
    rejected: at % 50 === 3 ? null : `bad ${at}`,
  }));
  write(folder, 'pairs.json', pairs);

  it('gives the same rows, report and fingerprint as this thread', async () => {
    const open = (workers: number) =>
      openData(fakeRun(folder, { train: [{ path: 'pairs.json' }], cache: 'off', workers }, model), { rows: 'pair' });
    const [here, there] = [await open(0), await open(2)];
    expect(there.train.length).toBe(686);
    expect(there.train.fingerprint).toBe(here.train.fingerprint);
    expect(there.train.dropped).toEqual(here.train.dropped);
    const all = Array.from({ length: 686 }, (_, at) => at);
    expect(await there.train.rows(all)).toEqual(await here.train.rows(all));
    await Promise.all([here.train.close(), there.train.close()]);
  });

  it('hands over coded errors', async () => {
    write(folder, 'model/config.json', { vocab_size: 5 });
    const run = fakeRun(
      folder,
      { train: [{ path: 'pairs.json' }], cache: 'off', workers: 2, tokenizer: model },
      'model',
    );
    await expect(openData(run, { rows: 'pair' })).rejects.toMatchObject({
      code: 'LLMF_DATA_ID_OUT_OF_RANGE',
      status: 1,
    });
  });
});

describe('workerCount', () => {
  it('is none for few rows, and what the config says otherwise', () => {
    expect(workerCount('auto', rowsThatPay - 1)).toBe(0);
    expect(workerCount(0, 1e6)).toBe(0);
    expect(workerCount(3, 1)).toBe(3);
  });
});

describe('messages between threads', () => {
  it('keep rows that the reader could not read', () => {
    const rows = [{ a: 1 }, new RowProblem('2 fields'), null];
    const job = structuredClone(packJob(1, 0, 1, rows));
    expect(unpackRows(job)).toEqual(rows);
    expect(unpackRows(job)[1]).toBeInstanceOf(RowProblem);
  });

  it('keep codes, details and status of errors', () => {
    const error = errors.idOutOfRange({ path: 'a', row: 1, id: 9, vocabulary: 5 });
    expect(unpackFailure(structuredClone(packFailure(error)))).toMatchObject({
      code: error.code,
      detail: error.detail,
      status: 1,
    });
    expect(unpackFailure(packFailure(new Error('x')))).toBeNull();
  });
});
