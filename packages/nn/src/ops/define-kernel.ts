// SPDX-License-Identifier: Apache-2.0
import type { KernelFunc, NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import { enterKernel, withExpanded } from '../weights/expansion.js';
import { hasPackedWeights, isReadNatively, packedOf } from '../weights/packed.js';

/** A kernel by name on whatever backend is current: the backend's own, or else the composite. Records no gradient. */
export interface Kernel<Inputs, Attributes, Outputs extends readonly Tensor[]> {
  (inputs: Inputs, attributes: Attributes): Outputs;
  readonly kernelName: string;
}

/**
 * @param name as in `contracts/ops.ts`
 * @param composite the kernel in tfjs ops; must allocate its outputs, never return an input
 */
export function defineKernel<Inputs extends object, Attributes extends object, Outputs extends readonly Tensor[]>(
  name: string,
  composite: (inputs: Inputs, attributes: Attributes) => Outputs,
): Kernel<Inputs, Attributes, Outputs> {
  // The one place where a typed kernel meets tfjs's untyped registry.
  const kernelFunc = (({ inputs, attrs }) =>
    tf.tidy(() => composite(inputs as Inputs, attrs as unknown as Attributes) as Outputs & Tensor[])) as KernelFunc;
  const find = finderOf(name, kernelFunc);
  const kernel = (inputs: Inputs, attributes: Attributes): Outputs => {
    const call = { kernelName: name, inputs: present(inputs), attributes: attributes as unknown as NamedAttrMap };
    return runExpanded(call, find) as unknown as Outputs;
  };
  return Object.assign(kernel, { kernelName: name });
}

interface Call {
  readonly kernelName: string;
  readonly inputs: NamedTensorMap;
  readonly attributes: NamedAttrMap;
}

/** The kernel of the current backend. */
type Find = () => KernelFunc;

/** Looks a kernel up once for each backend that was started: kernels are registered before a backend's first use. */
function finderOf(kernelName: string, composite: KernelFunc): Find {
  const known = new WeakMap<object, KernelFunc>();
  return () => {
    const { backend, backendName } = tf.engine();
    let found = known.get(backend);
    if (found === undefined) {
      found = tf.getKernel(kernelName, backendName)?.kernelFunc ?? register(kernelName, backendName, composite);
      known.set(backend, found);
    }
    return found;
  };
}

/** Packed inputs that the backend does not read itself are expanded for this call. */
function runExpanded(call: Call, find: Find): Tensor[] {
  if (!hasPackedWeights()) return run(call, find);
  for (const name in call.inputs) {
    const weight = packedOf(call.inputs[name]!);
    if (weight === null || isReadNatively(weight)) continue;
    return withExpanded(weight, (values) => runExpanded({ ...call, inputs: { ...call.inputs, [name]: values } }, find));
  }
  return run(call, find);
}

/**
 * What `tf.engine().runKernel` does for a kernel that nobody records, watches or debugs, without its closures and repeated
 * look-ups: they cost more than the kernels of a small model. Whoever records or profiles gets tfjs's own way.
 */
function run({ kernelName, inputs, attributes }: Call, find: Find): Tensor[] {
  const engine = tf.engine();
  const { backend, state } = engine;
  const kernelFunc = find();
  if (engine.isTapeOn() || state.profiling || isWatched()) {
    const outputs = engine.runKernel<Tensor | Tensor[]>(kernelName, inputs, attributes);
    return Array.isArray(outputs) ? outputs : [outputs];
  }
  enterKernel(kernelName);
  state.kernelDepth++;
  try {
    const outputs = kernelFunc({ inputs, attrs: attributes, backend });
    return (Array.isArray(outputs) ? outputs : [outputs]).map((output) =>
      'rank' in output ? (output as Tensor) : engine.makeTensorFromTensorInfo(output),
    );
  } finally {
    state.kernelDepth--;
  }
}

/** tfjs's own checks of every kernel: DEBUG looks for NaN, IS_TEST for leaks. */
const isWatched = () => tf.env().getBool('DEBUG') || tf.env().getBool('IS_TEST');

function register(kernelName: string, backendName: string, kernelFunc: KernelFunc): KernelFunc {
  tf.registerKernel({ kernelName, backendName, kernelFunc });
  return kernelFunc;
}

/** The inputs that are there; tfjs takes no undefined ones. */
export function present(inputs: object): NamedTensorMap {
  const all = inputs as Readonly<Record<string, Tensor | undefined>>;
  for (const name in all) {
    if (all[name] !== undefined) continue;
    return Object.fromEntries(Object.entries(all).filter(([, tensor]) => tensor !== undefined)) as NamedTensorMap;
  }
  return all as NamedTensorMap;
}
