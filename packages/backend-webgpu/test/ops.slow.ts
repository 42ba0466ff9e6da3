// SPDX-License-Identifier: Apache-2.0
import { describeOps } from '@llmf/testkit';
import { describe, it } from 'vitest';
import { start, whySkipped } from './software-device.js';

const reason = await whySkipped();

if (reason === null) describeOps('webgpu', { start });
else describe('ops on webgpu', () => it.skip(reason, () => {}));
