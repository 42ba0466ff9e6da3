// SPDX-License-Identifier: Apache-2.0
import { grads, tf, type Scalar, type Tensor } from '@llmf/nn';
import { host, type HostValue, type OpCase, type Tensors } from './op-case.js';

/** Outputs of a case and gradients of Σ outputs ∘ fixed weights with respect to its inputs. */
export interface Evaluated {
  readonly outputs: HostValue[];
  readonly gradients: Readonly<Record<string, HostValue>>;
}

/** Runs one side of a case on the current backend. */
export async function evaluateOp(one: OpCase, side: 'run' | 'naive'): Promise<Evaluated> {
  const trained = trainedInputs(one);
  const inputs = tensorsOf(one.inputs);
  const outputs = tf.tidy(() => one[side](inputs));
  const { value, gradients } = grads((...tensors: Tensor[]) =>
    weighted(one[side](withTensors(inputs, trained, tensors))),
  )(trained.map((name) => inputs[name]!));
  const evaluated = {
    outputs: await Promise.all(outputs.map(toHost)),
    gradients: Object.fromEntries(
      await Promise.all(trained.map(async (name, index) => [name, await toHost(gradients[index]!)] as const)),
    ),
  };
  tf.dispose([value, ...outputs, ...gradients, ...Object.values(inputs)]);
  return evaluated;
}

export interface Slope {
  readonly index: number;
  readonly slope: number;
}

/** Entries of an input that are moved, spread evenly over it. */
const sampledEntries = 24;

/** Central differences of Σ outputs ∘ weights of the op by entries of each trained input, step h. */
export async function finiteDifferences(one: OpCase, h: number): Promise<Readonly<Record<string, Slope[]>>> {
  const value = (inputs: Readonly<Record<string, HostValue>>) =>
    tf.tidy(() => weighted(one.run(tensorsOf(inputs))).dataSync()[0]!);
  const entries = trainedInputs(one).map((name) => {
    const { shape, data } = one.inputs[name]!;
    const at = (index: number, step: number) => {
      const moved = Float32Array.from(data);
      moved[index]! += step;
      return value({ ...one.inputs, [name]: { shape, data: moved } });
    };
    const stride = Math.ceil(data.length / sampledEntries);
    const sampled = [...data.keys()].filter((index) => index % stride === 0);
    return [name, sampled.map((index) => ({ index, slope: (at(index, h) - at(index, -h)) / (2 * h) }))] as const;
  });
  return Object.fromEntries(entries);
}

export const trainedInputs = ({ inputs, frozen = [] }: OpCase): string[] =>
  Object.keys(inputs).filter((name) => !frozen.includes(name));

export function tensorsOf(values: Readonly<Record<string, HostValue>>): Tensors {
  const entries = Object.entries(values).map(([name, { shape, data }]) => [
    name,
    tf.tensor(data, [...shape], 'float32'),
  ]);
  return Object.fromEntries(entries) as Tensors;
}

/** Σ over outputs of output ∘ weights, with weights that tell every entry apart. */
function weighted(outputs: readonly Tensor[]): Scalar {
  const parts = outputs.map((output, index) => {
    const { data } = host(`dy ${index}`, output.shape);
    return tf.sum(tf.mul(output, tf.tensor(data, output.shape, 'float32')));
  });
  return parts.reduce((sum, part) => tf.add(sum, part)) as Scalar;
}

function withTensors(inputs: Tensors, names: readonly string[], tensors: readonly Tensor[]): Tensors {
  return { ...inputs, ...Object.fromEntries(names.map((name, index) => [name, tensors[index]!])) };
}

async function toHost(tensor: Tensor): Promise<HostValue> {
  return { shape: tensor.shape, data: Float32Array.from(await tensor.data()) };
}
