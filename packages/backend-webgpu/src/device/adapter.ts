// SPDX-License-Identifier: Apache-2.0
import { arch, platform, release } from 'node:os';
import { errors } from '../errors.js';
import type { Dawn } from './dawn.js';

export interface FoundAdapter {
  /** Dawn ends when nothing holds its instance, and takes devices in use along. */
  readonly instance: GPU;
  readonly adapter: GPUAdapter;
  readonly info: AdapterInfo;
  /** For people: "SwiftShader driver 5.0.0 (google swiftshader)". */
  readonly name: string;
  /** Decides which bits come out: vendor and architecture. */
  readonly family: string;
  /** It computes on the processor. */
  readonly isSoftware: boolean;
}

/** tfjs's types are of an older WebGPU. */
type AdapterInfo = GPUAdapterInfo & { readonly isFallbackAdapter?: boolean };

/** The GPU that the system's drivers offer first. @throws noAdapter */
export async function findAdapter(dawn: Dawn): Promise<FoundAdapter> {
  const instance = dawn.create([]);
  const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw errors.noAdapter({ system: `${platform()} ${release()} ${arch()}` });
  const info = (adapter as GPUAdapter & { readonly info: AdapterInfo }).info;
  const family = [info.vendor, info.architecture].filter((part) => part !== '').join(' ') || 'unknown';
  const name = info.description === '' ? family : `${info.description} (${family})`;
  return { instance, adapter, info, name, family, isSoftware: info.isFallbackAdapter === true };
}

/** The limits that buffers and dispatches meet are asked for as high as the GPU has them; WebGPU's defaults are a phone's. */
const raisedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** @throws startFailed */
export async function openDevice({ adapter, name }: FoundAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(raisedLimits.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return await adapter.requestDevice({ requiredLimits });
  } catch (cause) {
    throw errors.startFailed(
      { adapter: name, reason: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    );
  }
}
