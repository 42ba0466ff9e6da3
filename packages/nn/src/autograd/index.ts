// SPDX-License-Identifier: Apache-2.0
export { checkpoint } from './checkpoint.js';
export { grads } from './grads.js';
export { valueAndGradients, type GradientSink } from './value-and-gradients.js';
export { withoutTape as detached } from './without-tape.js';
