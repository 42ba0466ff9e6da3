// SPDX-License-Identifier: Apache-2.0
/**
 * tfjs by `require`: it is CommonJS, and imported as a module Node reads all of it a second time for the names that it
 * exports, a sixth of the time in which a command starts.
 */
import { createRequire } from 'node:module';
import type * as core from '@tensorflow/tfjs-core';

const require = createRequire(import.meta.url);

export const tf = require('@tensorflow/tfjs-core') as typeof core;
export const { MathBackendCPU } =
  require('@tensorflow/tfjs-backend-cpu') as typeof import('@tensorflow/tfjs-backend-cpu');

/** Its types, under the same name. */
// eslint-disable-next-line @typescript-eslint/no-namespace
export namespace tf {
  export type DataId = core.DataId;
  export type DataStorage<T> = core.DataStorage<T>;
  export type DataType = core.DataType;
  export type KernelBackend = core.KernelBackend;
  export type KernelFunc = core.KernelFunc;
  export type NamedTensorMap = core.NamedTensorMap;
  export type Rank = core.Rank;
  export type Scalar = core.Scalar;
  export type Tensor<R extends core.Rank = core.Rank> = core.Tensor<R>;
  export type Tensor1D = core.Tensor1D;
  export type Tensor2D = core.Tensor2D;
  export type Tensor3D = core.Tensor3D;
  export type Tensor4D = core.Tensor4D;
  export type TensorContainer = core.TensorContainer;
  export type TensorInfo = core.TensorInfo;
  export type TypedArray = core.TypedArray;
  export type Variable<R extends core.Rank = core.Rank> = core.Variable<R>;
  export namespace Rank {
    export type R0 = core.Rank.R0;
    export type R1 = core.Rank.R1;
    export type R2 = core.Rank.R2;
    export type R3 = core.Rank.R3;
    export type R4 = core.Rank.R4;
  }
  export namespace backend_util {
    export type BackendValues = core.backend_util.BackendValues;
  }
}
