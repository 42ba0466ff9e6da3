// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';

export type MediaKind = 'image' | 'video';

/** Ids of the tokens that stand for media. Qwen2-VL: 151652, 151653, 151655, 151656. */
export interface MediaTokens {
  readonly visionStart: number;
  readonly visionEnd: number;
  /** Repeated once per token of an image. */
  readonly image: number;
  readonly video: number;
}

/** Text that stands for one medium in a chat: the placeholder people write, and what the tokenizer must see. */
export const placeholders: Readonly<Record<MediaKind, { readonly written: string; readonly tokens: string }>> = {
  image: { written: '<image>', tokens: '<|vision_start|><|image_pad|><|vision_end|>' },
  video: { written: '<video>', tokens: '<|vision_start|><|video_pad|><|vision_end|>' },
};

/** Reads the ids from a checkpoint's config.json; Qwen2-VL's own where it leaves them out, as Transformers does. */
export function mediaTokensOf(config: Readonly<Record<string, unknown>>): MediaTokens {
  const id = (key: string, fallback: number): number => {
    const value = config[key] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value)) return value;
    throw visionErrors.visionConfig({ key, got: JSON.stringify(value), expected: 'a token id' });
  };
  return {
    visionStart: id('vision_start_token_id', 151652),
    visionEnd: id('vision_end_token_id', 151653),
    image: id('image_token_id', 151655),
    video: id('video_token_id', 151656),
  };
}
