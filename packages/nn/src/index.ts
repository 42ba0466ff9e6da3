// SPDX-License-Identifier: Apache-2.0
export { nn as default } from './plugin.js';
export * from './adapters/index.js';
export * from './autograd/index.js';
export { backendFacts, declareBackend, type BackendFacts } from './backends/facts.js';
export { jsBackend } from './backends/js.js';
export * from './contracts/index.js';
export * from './generation/index.js';
export * from './head-files/index.js';
export * from './heads/index.js';
export * from './layers/index.js';
export * from './modules/index.js';
export * from './ops/index.js';
export { tf } from './tf.js';
export * from './weights/index.js';
export type {
  DataType,
  Rank,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  TensorContainer,
  Variable,
} from '@tensorflow/tfjs-core';
