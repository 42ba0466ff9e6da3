// SPDX-License-Identifier: Apache-2.0
// y ∘ s for every linear layer, s [outputs] learned from 1 on: what (IA)³ does to keys, values and inner activations
// (Liu et al., 2022, arXiv:2205.05638), here to every layer.
import { join } from 'node:path';
import { apiVersion, readSafetensors, toFloat32 } from '@llmf/core';
import { AdapterToken, tf } from '@llmf/nn';

const peftConfig = { peft_type: 'OUTPUT_SCALE', task_type: 'CAUSAL_LM' };
const nameOf = (path) => `base_model.model.${path}.output_scale`;

const outputScale = {
  name: 'output-scale',
  description: 'a learned factor on every output of the linear layers; the base model stays frozen',
  trainsBase: () => false,
  attach: async (model) => attached(model, ({ outputs }) => new Float32Array(outputs).fill(1)),
  reads: ({ peft_type }) => peft_type === peftConfig.peft_type,
  async load(model, folder) {
    const tensors = await readSafetensors(join(folder, 'adapter_model.safetensors'));
    return attached(model, ({ path }) => toFloat32(tensors[nameOf(path)]));
  },
};

function attached(model, valuesOf) {
  const layers = [...model.linears.values()];
  const scales = new Map(layers.map((layer) => [layer.path, tf.variable(tf.tensor1d(valuesOf(layer)))]));
  return {
    variables: new Map([...scales].map(([path, scale]) => [nameOf(path), scale])),
    peftConfig,
    isIdentity: true,
    lowRank: () => null,
    transform: ({ path }, _x, y) => tf.mul(y, scales.get(path)),
    merged: ({ path, weight, bias }) =>
      tf.tidy(() => ({
        weight: tf.mul(weight, tf.expandDims(scales.get(path), 1)),
        ...(bias === null ? {} : { bias: tf.mul(bias, scales.get(path)) }),
      })),
    dispose: () => scales.forEach((scale) => scale.dispose()),
  };
}

export default function adapterOutputScale() {
  return {
    name: 'output-scale',
    apiVersion,
    description: outputScale.description,
    apply: (engine) => engine.provide(AdapterToken, outputScale),
  };
}
