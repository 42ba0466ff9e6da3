// SPDX-License-Identifier: Apache-2.0
import type { DataId, Tensor } from '@tensorflow/tfjs-core';
import { errors } from '../errors.js';
import { tf } from '../tf.js';

/** What is known of a weight that was not read. */
export interface WeightOutline {
  /** Its name in the model. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Name of the format that it would be kept in. */
  readonly format: string;
  /** What it would take there. */
  readonly bytes: number;
}

const outlines = new WeakMap<DataId, WeightOutline>();

/** A tensor in a weight's place, before anything is read. Computing with it is LLMF_NN_WEIGHT_NOT_READ. */
export function outlineTensor(outline: WeightOutline): Tensor {
  const dataId = {};
  outlines.set(dataId, outline);
  const info = { dataId, shape: [...outline.shape], dtype: 'float32' as const };
  return tf.keep(tf.engine().makeTensorFromTensorInfo(info, OutlineHolder.shared()));
}

/** null for a weight that has values. */
export const outlineOf = ({ dataId }: Pick<Tensor, 'dataId'>): WeightOutline | null => outlines.get(dataId) ?? null;

/** Where outlines live: any kernel makes tfjs fetch the values from here. */
class OutlineHolder extends tf.KernelBackend {
  private static instance: OutlineHolder | undefined;

  static shared(): OutlineHolder {
    return (this.instance ??= new OutlineHolder());
  }

  override readSync(dataId: DataId): never {
    throw errors.weightNotRead({ weight: outlines.get(dataId)!.name });
  }

  override async read(dataId: DataId): Promise<never> {
    return this.readSync(dataId);
  }

  override refCount = (): number => 1;
  override incRef = (): void => {};
  override disposeData = (): boolean => true;
  override numDataIds = (): number => 0;
}
