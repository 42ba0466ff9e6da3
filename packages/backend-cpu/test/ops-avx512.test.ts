// SPDX-License-Identifier: Apache-2.0
import { describeOps } from '@llmf/testkit';
import { onPath } from './on-path.js';

await onPath('avx512', (start) => describeOps('the native backend, avx512', { start }));
