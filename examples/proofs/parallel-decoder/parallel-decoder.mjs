// SPDX-License-Identifier: Apache-2.0
// A decoder whose blocks compute attention and MLP side by side from one norm, y = x + attention(norm(x)) + mlp(norm(x))
// (Wang and Komatsuzaki, GPT-J, 2021; Chowdhery et al., "PaLM", 2022, section 2), with rotary pairs of neighbours over
// part of each head. Model type `parallel_decoder`; its weights are named as the properties below.
import { apiVersion, z } from '@llmf/core';
import {
  activation,
  ArchitectureToken,
  causalArchitecture,
  DecoderPass,
  headCounts,
  joinHeads,
  runBlocks,
  splitHeads,
  tf,
} from '@llmf/nn';

const config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  initializer_range: z.number().min(0).default(0.02),
  max_position_embeddings: z.int().min(1).default(2048),
  /** Values of each head that turn with the position. */
  rotary_dim: z.int().min(2),
  rope_theta: z.number().positive().default(10000),
  hidden_act: z.string().default('gelu_new'),
  layer_norm_eps: z.number().positive().default(1e-5),
});

class Attention {
  constructor(parts, layer, sizes) {
    const { hidden_size: width } = sizes;
    this.layer = layer;
    this.headDim = headCounts('parallel_decoder', sizes).headDim;
    this.q_proj = parts.linear('q_proj', [width, width], false);
    this.k_proj = parts.linear('k_proj', [width, width], false);
    this.v_proj = parts.linear('v_proj', [width, width], false);
    this.out_proj = parts.linear('out_proj', [width, width], false);
  }

  forward(x, pass) {
    const heads = (layer) => splitHeads(layer.forward(x, pass.context), this.headDim); // [T, H, D]
    const [q, k] = pass.rotate(heads(this.q_proj), heads(this.k_proj));
    return this.out_proj.forward(joinHeads(pass.attend(this.layer, q, k, heads(this.v_proj))), pass.context);
  }
}

class Mlp {
  constructor(parts, { hidden_size: width, intermediate_size: inner, hidden_act }) {
    this.fc_in = parts.linear('fc_in', [inner, width], true);
    this.fc_out = parts.linear('fc_out', [width, inner], true);
    this.activate = activation('parallel_decoder', 'hidden_act', hidden_act);
  }

  forward(x, { context }) {
    return this.fc_out.forward(this.activate(this.fc_in.forward(x, context)), context);
  }
}

class Block {
  constructor(parts, layer, sizes) {
    this.norm = parts.layerNorm('norm', sizes.hidden_size, sizes.layer_norm_eps);
    this.attention = new Attention(parts.at('attention'), layer, sizes);
    this.mlp = new Mlp(parts.at('mlp'), sizes);
  }

  forward(x, pass) {
    const normed = this.norm.forward(x);
    return tf.addN([x, this.attention.forward(normed, pass), this.mlp.forward(normed, pass)]);
  }
}

class Decoder {
  constructor(parts, sizes) {
    this.embeddings = parts.embedding('embeddings', [sizes.vocab_size, sizes.hidden_size]);
    this.blocks = parts.list('blocks', sizes.num_hidden_layers, (of, layer) => new Block(of, layer, sizes));
    this.norm = parts.layerNorm('norm', sizes.hidden_size, sizes.layer_norm_eps);
    this.rope = { rotary: sizes.rotary_dim, theta: sizes.rope_theta, interleaved: true };
  }

  embed(ids) {
    return this.embeddings.forward(ids);
  }

  forward(embedded, context) {
    return this.norm.forward(runBlocks(this.blocks, embedded, new DecoderPass(context, this.rope)));
  }
}

const parallelDecoder = causalArchitecture({
  modelType: 'parallel_decoder',
  description: 'a decoder of blocks whose attention and MLP stand side by side',
  config,
  paths: { decoder: 'decoder', head: 'head' },
  build(sizes, parts, headParts) {
    const decoder = new Decoder(parts, sizes);
    const head = headParts.head([sizes.vocab_size, sizes.hidden_size], { hasBias: true });
    return { decoder, head, contextLength: sizes.max_position_embeddings };
  },
});

export default function modelParallelDecoder() {
  return {
    name: 'parallel-decoder',
    apiVersion,
    description: parallelDecoder.description,
    apply: (engine) => engine.provide(ArchitectureToken, parallelDecoder),
  };
}
