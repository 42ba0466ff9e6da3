// SPDX-License-Identifier: Apache-2.0
export { classifierHead, classifierHeadName } from './classifier-head.js';
export { headsFile, headsText, headWeightsFile, readHeads } from './heads-file.js';
