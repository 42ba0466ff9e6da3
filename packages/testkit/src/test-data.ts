// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of a file of the optional shared test data, or null where that data is not there. Looked for in
 * `LLMF_TEST_DATA`, else in `shared/data` beside the checkout. Tests that need it skip and say so.
 */
export function testData(...parts: string[]): string | null {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
  const folder = process.env['LLMF_TEST_DATA'] ?? resolve(root, '..', 'shared', 'data');
  const path = join(folder, ...parts);
  return existsSync(path) ? path : null;
}
