// SPDX-License-Identifier: Apache-2.0
import type { DataId } from '@tensorflow/tfjs-core';
import type { PackedWeight } from '../contracts/weight-format.js';
import { tf } from '../tf.js';
import { expanded } from './expansion.js';

/**
 * Where packed weights live while a backend computes that cannot hold them. It computes nothing: ops of ours expand a
 * weight for one call; any other kernel makes tfjs move the weight to its backend, as float32 and for good.
 */
export class PackedHolder extends tf.KernelBackend {
  private static instance: PackedHolder | undefined;
  private readonly held = new Map<DataId, { weight: PackedWeight; references: number }>();

  static shared(): PackedHolder {
    return (this.instance ??= new PackedHolder());
  }

  hold(weight: PackedWeight): DataId {
    const dataId = {};
    this.held.set(dataId, { weight, references: 1 });
    return dataId;
  }

  override readSync(dataId: DataId): Float32Array {
    return expanded(this.held.get(dataId)!.weight);
  }

  override async read(dataId: DataId): Promise<Float32Array> {
    return this.readSync(dataId);
  }

  override refCount(dataId: DataId): number {
    return this.held.get(dataId)?.references ?? 0;
  }

  override incRef(dataId: DataId): void {
    this.held.get(dataId)!.references++;
  }

  decRef(dataId: DataId): void {
    this.held.get(dataId)!.references--;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const place = this.held.get(dataId);
    if (place === undefined) return true;
    place.references--;
    const isGone = force || place.references <= 0;
    if (isGone) this.held.delete(dataId);
    return isGone;
  }

  override numDataIds(): number {
    return this.held.size;
  }
}
