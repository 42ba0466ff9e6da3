// SPDX-License-Identifier: Apache-2.0
export type ImageFormat = 'JPEG' | 'PNG' | 'GIF' | 'WebP';

/** How the samples are stored, as far as the conversion to RGB depends on it. */
export type SampleKind = 'rgb8' | 'cmyk8' | 'grey16';

/** What a file says about its picture before any pixel is decoded. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** As stored, before any EXIF rotation. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation 1…8; 1 when the file states none. */
  readonly orientation: number;
  readonly samples: SampleKind;
}
