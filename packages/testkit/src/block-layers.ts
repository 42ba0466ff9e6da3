// SPDX-License-Identifier: Apache-2.0
/** Linear layers of one block with C = 8, 2 query heads of 4, 1 key head, F = 20. */
export const blockLayers = (index: number) =>
  [
    ['self_attn.q_proj', 8, 8],
    ['self_attn.k_proj', 8, 4],
    ['self_attn.v_proj', 8, 4],
    ['self_attn.o_proj', 8, 8],
    ['mlp.gate_proj', 8, 20],
    ['mlp.up_proj', 8, 20],
    ['mlp.down_proj', 20, 8],
  ].map(([name, inputs, outputs]) => ({
    path: `model.layers.${index}.${name}`,
    inputs: inputs as number,
    outputs: outputs as number,
  }));
