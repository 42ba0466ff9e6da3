// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import { readAll, type ByteSource } from '../header/byte-source.js';
import { readImageHeader, type ImageLimits } from '../header/image-header.js';
import type { ImageHeader } from '../header/header.js';
import { cmykToRgb } from './cmyk-to-rgb.js';
import { decodeGif } from './decode-gif.js';
import { loadSharp, type Sharp } from './load-sharp.js';
import { applyOrientation } from './orientation.js';
import { grey16ToRgb } from './grey16-to-rgb.js';
import type { RgbImage } from './rgb-image.js';

/**
 * `ignore`: pixels as stored, as Transformers' image processors treat an opened PIL image (and LLaMA-Factory).
 * `apply`: upright, as PIL's `exif_transpose` and Transformers' `load_image` give it.
 */
export type ExifPolicy = 'ignore' | 'apply';

export interface DecodeOptions {
  readonly exif: ExifPolicy;
  readonly limits?: ImageLimits;
}

/**
 * The pixels that `PIL.Image.open(file).convert('RGB')` gives, bit for bit: colour profiles and gamma are ignored,
 * alpha is dropped (not blended), palettes are looked up, CMYK is converted by Pillow's formula, of an animation the
 * first frame counts, colour of 16 bits keeps its high byte and grey of 16 bits is clipped at 255.
 * @throws LLMF_VISION_DECODE_FAILED and the header's errors
 */
export async function decodeImage(source: ByteSource, options: DecodeOptions): Promise<RgbImage> {
  const header = await readImageHeader(source, options.limits);
  const stored = await decodeStored(source, header);
  return options.exif === 'apply' ? applyOrientation(stored, header.orientation) : stored;
}

async function decodeStored(source: ByteSource, header: ImageHeader): Promise<RgbImage> {
  const bytes = await readAll(source);
  const { format, width, height, samples } = header;
  try {
    if (format === 'GIF') return decodeGif(bytes, width, height);
    const sharp = await loadSharp();
    const data = await decoders[samples](openWith(sharp, bytes, width * height));
    if (data.length !== width * height * 3) throw new Error(`it does not hold ${width} × ${height} pixels`);
    return { width, height, data };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0]!;
    throw visionErrors.decodeFailed({ name: source.name, format, reason }, { cause: error });
  }
}

/** By the kind of samples: the raw pixels that sharp gives, and Pillow's way from them to RGB. */
const decoders: Record<ImageHeader['samples'], (image: Opened) => Promise<Uint8Array>> = {
  rgb8: async (image) => {
    const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    return info.channels === 3 ? data : firstThree(data, info.channels);
  },
  // Without both colour spaces libvips goes through a profile and back.
  cmyk8: async (image) => cmykToRgb(await image.pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer()),
  grey16: async (image) => {
    const raw = image.toColourspace('grey16').raw({ depth: 'ushort' });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    return grey16ToRgb(new Uint16Array(Uint8Array.from(data).buffer), info.channels);
  },
};

type Opened = import('sharp').Sharp;

/**
 * `failOn: 'error'`: like PIL, warnings pass and missing data does not. The header's pixels are within the limit; a file
 * whose data holds more than its header says is refused.
 */
const openWith = (sharp: Sharp, bytes: Uint8Array, pixels: number): Opened =>
  (sharp as unknown as typeof import('sharp').default)(bytes, {
    ignoreIcc: true,
    failOn: 'error',
    limitInputPixels: pixels,
    sequentialRead: true,
  });

/** Red, green and blue of grey (+ alpha), or of RGBA without its alpha. */
function firstThree(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  for (let pixel = 0; pixel < pixels; pixel++) {
    rgb[pixel * 3] = data[pixel * channels]!;
    rgb[pixel * 3 + 1] = data[pixel * channels + green]!;
    rgb[pixel * 3 + 2] = data[pixel * channels + blue]!;
  }
  return rgb;
}
