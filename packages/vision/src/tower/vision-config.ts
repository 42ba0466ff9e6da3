// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { visionErrors } from '../errors.js';

const size = z.int().min(1);
/** Checkpoints write the number of colour channels under either name. */
const channels = { in_channels: z.literal(3).default(3), in_chans: z.literal(3).default(3) };

/** `vision_config` of a Qwen2-VL checkpoint; defaults as Transformers' `Qwen2VLVisionConfig`. */
export const qwen2VlVisionConfig = z.looseObject({
  depth: size.default(32),
  embed_dim: size.default(1280),
  /** Of the language model. */
  hidden_size: size.default(3584),
  hidden_act: z.string().default('quick_gelu'),
  mlp_ratio: z.number().positive().default(4),
  num_heads: size.default(16),
  patch_size: size.default(14),
  spatial_merge_size: size.default(2),
  temporal_patch_size: size.default(2),
  ...channels,
});
export type Qwen2VlVisionConfig = z.infer<typeof qwen2VlVisionConfig>;

/** `vision_config` of a Qwen2.5-VL checkpoint; defaults as Transformers' `Qwen2_5_VLVisionConfig`. */
export const qwen25VlVisionConfig = z.looseObject({
  depth: size.default(32),
  hidden_size: size.default(3584),
  hidden_act: z.literal('silu').default('silu'),
  intermediate_size: size.default(3420),
  num_heads: size.default(16),
  patch_size: size.default(14),
  spatial_merge_size: size.default(2),
  temporal_patch_size: size.default(2),
  /** Position steps per second of video. */
  tokens_per_second: z.number().positive().default(4),
  /** Side of an attention window in pixels. */
  window_size: size.default(112),
  /** Of the language model. */
  out_hidden_size: size.default(3584),
  /** Blocks whose patches see their whole frame. */
  fullatt_block_indexes: z.array(z.int().min(0)).default([7, 15, 23, 31]),
  ...channels,
});
export type Qwen25VlVisionConfig = z.infer<typeof qwen25VlVisionConfig>;

/** `vision_config` of a Qwen3-VL checkpoint; defaults as Transformers' `Qwen3VLVisionConfig`. */
export const qwen3VlVisionConfig = z.looseObject({
  depth: size.default(27),
  hidden_size: size.default(1152),
  hidden_act: z.string().default('gelu_pytorch_tanh'),
  intermediate_size: size.default(4304),
  num_heads: size.default(16),
  patch_size: size.default(16),
  spatial_merge_size: size.default(2),
  temporal_patch_size: size.default(2),
  /** Of the language model. */
  out_hidden_size: size.default(3584),
  /** Of a square grid. */
  num_position_embeddings: size.default(2304),
  /** Blocks whose features are added behind the first blocks of the language model, in rising order. */
  deepstack_visual_indexes: z
    .array(z.int().min(0))
    .refine((indexes) => indexes.every((index, at) => at === 0 || index > indexes[at - 1]!), 'block numbers that rise')
    .default([8, 16, 24]),
  ...channels,
});
export type Qwen3VlVisionConfig = z.infer<typeof qwen3VlVisionConfig>;

/** @throws LLMF_VISION_VISION_CONFIG naming the first key that does not fit */
export function readVisionConfig<S extends z.ZodType>(
  schema: S,
  config: Readonly<Record<string, unknown>>,
): z.output<S> {
  const parsed = schema.safeParse(config['vision_config'] ?? {});
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    config['vision_config'],
  );
  const key = ['vision_config', ...path.map(String)].join('.');
  throw visionErrors.visionConfig({ key, got: JSON.stringify(value) ?? 'nothing', expected: message });
}

/** Head size of a tower; rope needs it in four equal parts. @throws LLMF_VISION_VISION_CONFIG */
export function towerHeadSize(hidden: number, heads: number): number {
  const headSize = hidden / heads;
  if (Number.isInteger(headSize) && headSize % 4 === 0) return headSize;
  const got = `${hidden} values for ${heads} heads`;
  throw visionErrors.visionConfig({ key: 'vision_config.num_heads', got, expected: 'heads of a multiple of 4 values' });
}
