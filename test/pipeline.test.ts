// SPDX-License-Identifier: Apache-2.0
import { describePipelineKills } from './support/pipeline-kills.js';

// 10 kills, and the other cases: slow/pipeline.slow.ts
describePipelineKills('supervised training, then SimPO', 3);
