// SPDX-License-Identifier: Apache-2.0
// The slow tier: `npm run test:slow`.
import { defineConfig } from 'vitest/config';
import fast from './vitest.config.js';

export default defineConfig({
  ...fast,
  test: {
    ...fast.test,
    include: ['test/slow/**/*.slow.ts', 'packages/*/test/**/*.slow.ts'],
    testTimeout: 300_000,
    maxWorkers: 1,
  },
});
