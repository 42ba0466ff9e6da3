// SPDX-License-Identifier: Apache-2.0
// Runs vitest, hands its arguments on, and closes with one line: "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'llmf-test-'));
const reportFile = join(folder, 'report.json');

const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
const report = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : null;
rmSync(folder, { recursive: true, force: true });

const passed = report?.numPassedTests ?? 0;
let failed = (report?.numFailedTests ?? 0) + filesThatDidNotLoad(report);
if (status !== 0 && failed === 0) failed = 1; // a crash or an unhandled error belongs to no test
const notRun = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
if (notRun > 0) console.log(`${notRun} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = status ?? 1;

function filesThatDidNotLoad(report) {
  const files = report?.testResults ?? [];
  return files.filter((file) => file.status === 'failed' && !file.assertionResults.some(isFailed)).length;
}

function isFailed(test) {
  return test.status === 'failed';
}
