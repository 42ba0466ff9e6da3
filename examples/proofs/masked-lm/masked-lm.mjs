// SPDX-License-Identifier: Apache-2.0
// A small encoder whose tokens see all of their segment, and a stage that trains it to name masked tokens (Devlin et al.,
// "BERT", 2019, section 3.1, task 1): of the chosen tokens 80 % become the mask, 10 % another token, 10 % stay.
// Model type `masked_encoder`; `stage: masked-lm`.
import { apiVersion, StageToken, uniforms, z } from '@llmf/core';
import {
  activation,
  ArchitectureToken,
  causalArchitecture,
  DecoderPass,
  headCounts,
  joinHeads,
  ModelToken,
  runBlocks,
  splitHeads,
  tf,
} from '@llmf/nn';
import { createLossSession, trainingHooks } from '@llmf/training';

const config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  initializer_range: z.number().min(0).default(0.02),
  max_position_embeddings: z.int().min(1).default(512),
  layer_norm_eps: z.number().positive().default(1e-12),
});

class Block {
  constructor(parts, layer, sizes) {
    const { hidden_size: width, intermediate_size: inner, layer_norm_eps: epsilon } = sizes;
    this.layer = layer;
    this.headDim = headCounts('masked_encoder', sizes).headDim;
    this.query = parts.linear('query', [width, width], true);
    this.key = parts.linear('key', [width, width], true);
    this.value = parts.linear('value', [width, width], true);
    this.output = parts.linear('output', [width, width], true);
    this.attention_norm = parts.layerNorm('attention_norm', width, epsilon);
    this.wide = parts.linear('wide', [inner, width], true);
    this.narrow = parts.linear('narrow', [width, inner], true);
    this.norm = parts.layerNorm('norm', width, epsilon);
    this.activate = activation('masked_encoder', 'hidden_act', 'gelu');
  }

  forward(x, pass) {
    const heads = (layer) => splitHeads(layer.forward(x, pass.context), this.headDim); // [T, H, D]
    const attended = joinHeads(pass.attend(this.layer, heads(this.query), heads(this.key), heads(this.value)));
    const seen = this.attention_norm.forward(tf.add(x, this.output.forward(attended, pass.context)));
    const inner = this.activate(this.wide.forward(seen, pass.context));
    return this.norm.forward(tf.add(seen, this.narrow.forward(inner, pass.context)));
  }
}

class Encoder {
  constructor(parts, sizes) {
    const { vocab_size, hidden_size: width, num_hidden_layers, max_position_embeddings, layer_norm_eps } = sizes;
    this.words = parts.embedding('words', [vocab_size, width]);
    this.positions = parts.embedding('positions', [max_position_embeddings, width]);
    this.norm = parts.layerNorm('norm', width, layer_norm_eps);
    this.layers = parts.list('layers', num_hidden_layers, (of, layer) => new Block(of, layer, sizes));
  }

  embed(ids) {
    return this.words.forward(ids);
  }

  forward(embedded, context) {
    const x = this.norm.forward(tf.add(embedded, this.positions.forward(context.positions)));
    return runBlocks(this.layers, x, new DecoderPass(context, null, { causal: false }));
  }
}

const maskedEncoder = causalArchitecture({
  modelType: 'masked_encoder',
  description: 'a small encoder whose tokens see all of their text',
  config,
  paths: { decoder: 'encoder', head: 'head' },
  build(sizes, parts, headParts) {
    const decoder = new Encoder(parts, sizes);
    const head = headParts.head([sizes.vocab_size, sizes.hidden_size], { tiedTo: decoder.words, hasBias: true });
    return { decoder, head, contextLength: sizes.max_position_embeddings };
  },
});

const options = z.strictObject({
  maskId: z.int().min(0).default(0).describe('Token that stands for a masked one.'),
  probability: z
    .number()
    .positive()
    .max(1)
    .default(0.15)
    .describe('Share of the tokens that are predicted (paper: 0.15).'),
});

/** The batch with some tokens hidden, which alone are its targets: each is predicted by its own row. */
function masked(batch, draws, { maskId, probability }, vocabulary) {
  const ids = Int32Array.from(batch.ids);
  const [rows, response] = [[], []];
  const { start, length } = batch.responses;
  for (const r of start.keys()) {
    const places = Array.from({ length: length[r] }, (_, at) => start[r] + at);
    const least = places.toSorted((a, b) => draws[3 * a] - draws[3 * b])[0]; // at least one
    for (const place of places.filter((at) => at === least || draws[3 * at] < probability)) {
      rows.push(place);
      response.push(r);
      if (draws[3 * place + 1] < 0.8) ids[place] = maskId;
      else if (draws[3 * place + 1] < 0.9) ids[place] = Math.floor(draws[3 * place + 2] * vocabulary);
    }
  }
  const tokens = Int32Array.from(start, (_, r) => response.filter((each) => each === r).length);
  const targets = Int32Array.from(rows, (place) => batch.ids[place]);
  const counted = { rows: Int32Array.from(rows), targets, response: Int32Array.from(response) };
  return { ...batch, ...counted, ids, responses: { ...batch.responses, tokens } };
}

const stage = {
  name: 'masked-lm',
  description: 'plain text: learn tokens that are masked',
  rows: 'text',
  defaults: { loss: 'sft' },
  learningRates: { adapter: 2e-4, full: 1e-4 },
  prepare(run) {
    const { seed } = run.config.train;
    trainingHooks(run).batchCollated.tap('masked-lm', (batch, { split, step, microbatch }) => {
      const draws = uniforms({ seed, stream: `masked-lm ${split}`, step, microbatch }, 'tokens', 3 * batch.ids.length);
      return masked(batch, draws, run.config.sections.maskedLm, run.container.resolve(ModelToken).vocabularySize);
    });
    return createLossSession(run, stage);
  },
};

export default function maskedLm() {
  return {
    name: 'masked-lm',
    apiVersion,
    description: 'a small encoder, and masked language modelling',
    options,
    apply(engine) {
      engine.provide(ArchitectureToken, maskedEncoder);
      engine.provide(StageToken, stage);
    },
  };
}
