// SPDX-License-Identifier: Apache-2.0
import { describeOps } from '@llmf/testkit';
import { onPath } from './on-path.js';

await onPath('scalar', (start) => describeOps('the native backend, scalar', { start }));
