// SPDX-License-Identifier: Apache-2.0
export { opCases } from './cases/index.js';
export { describeOps, type OpSuiteOptions } from './describe-ops.js';
export { evaluateOp, finiteDifferences, type Evaluated } from './evaluate-op.js';
export { filled, host, type HostValue, type OpCase } from './op-case.js';
