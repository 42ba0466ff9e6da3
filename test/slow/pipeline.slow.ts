// SPDX-License-Identifier: Apache-2.0
import { describePipelineKills } from '../support/pipeline-kills.js';

describePipelineKills(10);
