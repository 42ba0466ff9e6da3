// SPDX-License-Identifier: Apache-2.0
// LLMF_FAULTS: faults of each kind for each command (default 12), drawn; LLMF_FAULT_SEED draws others. LLMF_FAULTS=each: at
// each operation on each file, once for each command. LLMF_FAULT_KINDS=kill,EIO takes some of the kinds.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultKinds, FaultRunner, faultsUnavailable } from '../support/faults.js';
import { faultCases, faultProject } from '../support/fault-cases.js';

const reason = faultsUnavailable();
const wanted = process.env['LLMF_FAULTS'] ?? '12';
const kinds = faultKinds.filter((kind) => process.env['LLMF_FAULT_KINDS']?.split(',').includes(kind) ?? true);
const seed = Number(process.env['LLMF_FAULT_SEED'] ?? 1);

describe.skipIf(reason !== null)(`one fault of the file system${reason === null ? '' : ` (${reason})`}`, () => {
  let project: Awaited<ReturnType<typeof faultProject>>;
  beforeAll(async () => {
    project = await faultProject();
  }, 300_000);
  afterAll(() => project.remove());
  /** By command, what was tried of it. */
  const had = new Map(faultCases.map(({ argv }) => [argv[0], new Set<string>()]));

  it.each(faultCases)(
    '$title: has a code or no effect, and ends with the same bits when started again',
    async (faultCase) => {
      const runner = new FaultRunner(project.folder, faultCase);
      try {
        const { operations, counts, faults } =
          wanted === 'each'
            ? await runner.runAtEach(kinds, had.get(faultCase.argv[0]))
            : await runner.run(kinds, Number(wanted), seed);
        const tried = Object.values(counts).reduce((sum, each) => sum + each, 0);
        console.log(`${faultCase.title}: ${operations} operations, ${tried} faults; ${JSON.stringify(counts)}`);
        expect(faults).toEqual([]);
        if (wanted === 'each') expect(tried).toBeGreaterThan(5);
        else expect(tried).toBe(kinds.length * Math.min(Number(wanted), operations));
      } finally {
        runner.close();
      }
    },
    3 * 3_600_000,
  );
});
