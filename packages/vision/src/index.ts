// SPDX-License-Identifier: Apache-2.0
export { vision as default, vision } from './plugin.js';
export { visionOptions, type VisionOptions } from './options.js';
export { decodeImage, type DecodeOptions, type ExifPolicy } from './decode/decode-image.js';
export type { RgbImage } from './decode/rgb-image.js';
export { fileSource, memorySource, type ByteSource } from './header/byte-source.js';
export { defaultImageLimits, readImageHeader, type ImageLimits } from './header/image-header.js';
export type { ImageHeader } from './header/header.js';
export { mediaReference, type MediaReference } from './media/media-reference.js';
export { openMedia, type MediaAccess } from './media/open-media.js';
export { qwen25Vl, qwen2Vl } from './models/qwen2-vl.js';
export { qwen3Vl } from './models/qwen3-vl.js';
export { VisionLanguageModel, type VisionFacts } from './models/vision-language-model.js';
export { resizeBicubic } from './processor/bicubic.js';
export { cutPatches, tokenCount, type Grid, type Patches } from './processor/patches.js';
export { llamaFactoryLimits, type PixelLimits } from './processor/pre-resize.js';
export { gridOf, processImage, readGrid, type ImageSettings } from './processor/process-image.js';
export { processVideo, readVideoGrid, videoFrames } from './processor/process-video.js';
export {
  defaultProcessorConfig,
  parseProcessorConfig,
  readProcessorConfig,
  type ProcessorConfig,
} from './processor/processor-config.js';
export { smartResize } from './processor/smart-resize.js';
export { expandPlaceholders } from './tokens/expand-placeholders.js';
export { mediaTokensOf, placeholders, type MediaKind, type MediaTokens } from './tokens/media-tokens.js';
export {
  mropePositions,
  rowPositions,
  type MediaGrid,
  type MropeOptions,
  type MropePositions,
  type RowPositions,
} from './tokens/mrope-positions.js';
