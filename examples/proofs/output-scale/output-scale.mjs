// SPDX-License-Identifier: Apache-2.0
// y ∘ s for every linear layer, s [outputs] learned from 1 on: what (IA)³ does to keys, values and inner activations
// (Liu et al., 2022, arXiv:2205.05638), here to every layer.
import { apiVersion } from '@llmf/core';
import { AdapterToken, tf } from '@llmf/nn';

const outputScale = {
  name: 'output-scale',
  description: 'a learned factor on every output of the linear layers; the base model stays frozen',
  trainsBase: () => false,
  async attach(model) {
    const scales = new Map(
      [...model.linears.values()].map(({ path, outputs }) => [path, tf.variable(tf.ones([outputs]))]),
    );
    return {
      variables: new Map([...scales].map(([path, scale]) => [`base_model.model.${path}.output_scale`, scale])),
      peftConfig: { peft_type: 'OUTPUT_SCALE', task_type: 'CAUSAL_LM' },
      isIdentity: true,
      lowRank: () => null,
      transform: ({ path }, _x, y) => tf.mul(y, scales.get(path)),
      dispose: () => scales.forEach((scale) => scale.dispose()),
    };
  },
};

export default function adapterOutputScale() {
  return {
    name: 'output-scale',
    apiVersion,
    description: outputScale.description,
    apply: (engine) => engine.provide(AdapterToken, outputScale),
  };
}
