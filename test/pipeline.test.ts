// SPDX-License-Identifier: Apache-2.0
import { describePipelineKills } from './support/pipeline-kills.js';

// 10 kills: slow/pipeline.slow.ts
describePipelineKills(3);
