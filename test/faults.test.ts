// SPDX-License-Identifier: Apache-2.0
// All commands and hundreds of faults: slow/faults.slow.ts
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultRunner, faultsUnavailable } from './support/faults.js';
import { initCase, sftCase } from './support/fault-cases.js';
import { firstRunCopy } from './support/first-run.js';

const reason = faultsUnavailable();

describe.skipIf(reason !== null)(`one fault of the file system${reason === null ? '' : ` (${reason})`}`, () => {
  let copy: Awaited<ReturnType<typeof firstRunCopy>>;
  let runner: FaultRunner;
  beforeAll(async () => {
    copy = await firstRunCopy();
    runner = new FaultRunner(copy.folder, sftCase);
  });
  afterAll(async () => {
    runner.close();
    await copy.remove();
  });

  it('has a code or no effect, and the run started again ends with the same bits', async () => {
    const { faults, counts, operations } = await runner.run(['kill', 'ENOSPC'], 1, 3);
    expect(faults).toEqual([]);
    expect(operations).toBeGreaterThan(100);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(counts['kill: killed']).toBe(1);
  }, 180_000);

  // Threads count too, so that the operation may be its neighbour.
  it('at the close of a file that was read never aborts', async () => {
    const { faults, counts } = await runner.runAtLast(['EIO'], 'close', '/out/.lock');
    expect(faults).toEqual([]);
    expect(counts['EIO: coded'] ?? counts['EIO: finished']).toBe(1);
  }, 180_000);

  it('at the last flush of a new folder takes the folder back, so that the command can be started again', async () => {
    const init = new FaultRunner(copy.folder, initCase);
    const { faults, counts } = await init.runAtLast(['EIO'], 'fsync');
    init.close();
    expect(faults).toEqual([]);
    expect(counts).toEqual({ 'EIO: coded': 1 });
  });
});
