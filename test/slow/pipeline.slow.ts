// SPDX-License-Identifier: Apache-2.0
import { describePipelineKills, pipelineCases } from '../support/pipeline-kills.js';

for (const name of Object.keys(pipelineCases) as (keyof typeof pipelineCases)[]) describePipelineKills(name, 10);
