// SPDX-License-Identifier: Apache-2.0
export { classifierHead, classifierHeadName, familyHead, type HeadForm } from './classifier-head.js';
export { completeHeads } from './complete-heads.js';
export { layerPaths } from './layer-paths.js';
export { headsFile, headsText, headWeightsFile, readHeads } from './heads-file.js';
