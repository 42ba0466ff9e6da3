// SPDX-License-Identifier: Apache-2.0
/**
 * A model with rows for more tokens, to be saved. A new row of the table of embeddings, of the head and of its bias is the
 * mean of the rows that tokens had before: Hewitt, "Initializing new word embeddings for pretrained language models",
 * 2021. Transformers 5.18 (`resize_token_embeddings`) draws them from a normal distribution around that mean whose variance
 * is a billionth of the rows'.
 */
import { packedOf, tf, type Architecture, type Model, type Parameter } from '@llmf/nn';
import { modelErrors } from '../errors.js';

export interface GrownModel {
  /** To be saved, not to be asked. */
  readonly model: Model;
  /** Rows that the table of embeddings has now. */
  readonly rows: number;
  dispose(): void;
}

/**
 * @param known how many ids tokens had before; rows behind them (padding of the vocabulary) tell nothing
 * @param count of the new tokens, whose ids follow
 * @throws LLMF_MODELS_GROWN_PACKED for weights in fewer bits, which would be written expanded
 */
export async function grownModel(
  model: Model,
  architecture: Architecture,
  { known, count }: { readonly known: number; readonly count: number },
): Promise<GrownModel> {
  checkPlain(model);
  const before = architecture.weights({ ...model.config });
  const shapes = (rows: number) => architecture.weights(resized(model.config, rows));
  const changes = shapes(model.vocabularySize + 1);
  const names = [...before].flatMap(([name, { shape }]) =>
    model.parameters.has(name) && changes.get(name)!.shape.join() !== shape.join() ? [name] : [],
  );
  const rows = Math.max(model.vocabularySize, known + count);
  const parameters = new Map(model.parameters);
  for (const name of names) parameters.set(name, await grown(model.parameters.get(name)!, known, rows, count));
  const config = resized(model.config, rows);
  return {
    model: Object.create(model, { parameters: { value: parameters }, config: { value: config } }) as Model,
    rows,
    dispose: () => {
      for (const name of names) parameters.get(name)!.value.dispose();
    },
  };
}

/** @throws LLMF_MODELS_GROWN_PACKED */
function checkPlain({ parameters }: Model): void {
  for (const { name, value } of parameters.values()) {
    const format = packedOf(value)?.format;
    if (format !== undefined && format.dtype === undefined)
      throw modelErrors.grownPacked({ weight: name, format: format.name });
  }
}

/** `vocab_size` wherever it stands: at the top, and in the part of a language half. */
function resized(config: Readonly<Record<string, unknown>>, rows: number): Record<string, unknown> {
  const text = config['text_config'] as Record<string, unknown> | undefined;
  const hasPart = typeof text === 'object' && text !== null && 'vocab_size' in text;
  return {
    ...config,
    ...(hasPart && { text_config: { ...text, vocab_size: rows } }),
    ...((!hasPart || 'vocab_size' in config) && { vocab_size: rows }),
  };
}

async function grown(parameter: Parameter, known: number, rows: number, count: number): Promise<Parameter> {
  const { shape, value } = parameter;
  const [before, ...others] = shape as [number, ...number[]];
  const width = others.reduce((product, size) => product * size, 1);
  const values = (await value.data()) as Float32Array;
  const all = new Float32Array(rows * width);
  all.set(values);
  const mean = meanRow(values, Math.min(known, before), width);
  for (let row = Math.min(known, before); row < known + count; row++) all.set(mean, row * width);
  const made = tf.keep(tf.tensor(all, [rows, ...others], 'float32'));
  return { ...parameter, shape: made.shape, value: made };
}

function meanRow(values: Float32Array, rows: number, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let at = 0; at < rows * width; at++) sums[at % width]! += values[at]!;
  return Float32Array.from(sums, (sum) => sum / rows);
}
