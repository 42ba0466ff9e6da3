// SPDX-License-Identifier: Apache-2.0
import { z } from '@llmf/core';
import { defaultImageLimits } from './header/image-header.js';

const pixels = z.int().min(1).nullable().default(null);

/** `vision:` of the config. */
export const visionOptions = z.strictObject({
  folder: z.string().min(1).nullable().default(null).describe('Folder of relative image paths; null: the data file’s.'),
  outsideFolder: z.boolean().default(false).describe('Allow image paths that lead out of that folder.'),
  onBadMedia: z
    .enum(['error', 'drop'])
    .default('error')
    .describe('A picture that cannot be used ends the run, or drops its row with a line in the report.'),
  decodeFirst: z
    .boolean()
    .default(false)
    .describe(
      'Decode every picture before the first step, so that damage between a sound beginning and end is found there too.',
    )
    .meta({ decides: false }),
  exif: z
    .enum(['ignore', 'apply'])
    .default('ignore')
    .describe(
      'EXIF rotation: ignore it, as Transformers’ image processors do with an opened picture, or turn upright.',
    ),
  truncation: z
    .enum(['shrink', 'dropTurns', 'dropRow'])
    .default('shrink')
    .describe('A row above data.maxLength: shrink its pictures, drop its oldest exchanges, or drop the row.'),
  image: z
    .strictObject({
      maxPixels: pixels.describe(
        'Pixels before the checkpoint’s own limit; 589824 is LLaMA-Factory’s image_max_pixels.',
      ),
      minPixels: pixels.describe('Smaller pictures are enlarged first; 1024 is LLaMA-Factory’s image_min_pixels.'),
    })
    .prefault({})
    .describe('Limits applied to pictures before the checkpoint’s; null: only the checkpoint’s.'),
  video: z
    .strictObject({
      maxPixels: pixels.describe('Pixels of a frame; 65536 is LLaMA-Factory’s video_max_pixels.'),
      minPixels: pixels.describe('256 is LLaMA-Factory’s video_min_pixels.'),
      framesPerSecond: z.number().positive().default(2).describe('Frames per second that a folder of frames holds.'),
      maxFrames: z.int().min(1).default(128).describe('More frames are thinned out evenly.'),
    })
    .prefault({})
    .describe('Videos as folders of numbered images.'),
  limits: z
    .strictObject({
      maxPixels: z.int().min(1).default(defaultImageLimits.maxPixels).describe('Largest picture that is decoded.'),
      maxFileBytes: z.int().min(1).default(defaultImageLimits.maxFileBytes).describe('Largest file that is read.'),
      minSide: z.int().min(1).default(defaultImageLimits.minSide).describe('Shortest side that is accepted.'),
    })
    .prefault({})
    .describe('What is refused before it is decoded.'),
  remote: z
    .strictObject({
      allow: z.boolean().default(false).describe('Fetch http(s) pictures; private and local addresses never.'),
      maxBytes: z
        .int()
        .min(1)
        .default(20 * 2 ** 20)
        .describe('Largest body.'),
      timeoutMs: z.int().min(1).default(10_000).describe('Time for one picture, redirects included.'),
      maxRedirects: z.int().min(0).default(3).describe('Redirects followed.'),
    })
    .prefault({})
    .describe('Pictures named by URL.'),
  freeze: z
    .strictObject({
      tower: z
        .boolean()
        .default(true)
        .describe('Patch embedding and blocks of the vision tower (freeze_vision_tower).'),
      projector: z.boolean().default(true).describe('The merger (freeze_multi_modal_projector).'),
      language: z.boolean().default(false).describe('The language model (freeze_language_model).'),
    })
    .prefault({})
    .describe('Halves that neither full tuning nor an adapter trains; defaults as LLaMA-Factory.'),
  contrast: z
    .enum(['crop', 'other'])
    .default('crop')
    .describe('What a loss such as mdpo compares a picture with: a fifth of it at most (mDPO), or another row’s.'),
  shuffledEval: z
    .boolean()
    .default(true)
    .describe('Evaluate pairs with another row’s pictures too: image/margins beside image/margins_shuffled.'),
  videoContinuation: z
    .enum(['max', 'spatial'])
    .default('max')
    .describe('Position of text behind a video: its largest index, or its larger side (Transformers 5.3 to 5.18).'),
  cache: z
    .string()
    .min(1)
    .default('.llmf-cache/vision')
    .describe('Folder of headers, fetched files and resized pictures, relative to the config’s folder, or `off`.')
    .meta({ decides: false }),
  memoryBytes: z
    .int()
    .min(0)
    .default(128 * 2 ** 20)
    .describe('Resized pictures kept in memory.'),
});
export type VisionOptions = z.infer<typeof visionOptions>;
