// SPDX-License-Identifier: Apache-2.0
import type { MediaAccess } from '../media/open-media.js';
import type { ImageSettings } from '../processor/process-image.js';
import type { MropeOptions } from '../tokens/mrope-positions.js';
import type { Contrast } from './contrast-media.js';
import type { FitSettings } from './fit-row.js';
import type { MediaPlan, PerKind } from './media-plan.js';

/** Frames of a video kept as a folder of images. */
export interface VideoSettings {
  /** Frames per second that the folder holds. */
  readonly framesPerSecond: number;
  readonly maxFrames: number;
}

export interface MediaRowSettings {
  readonly access: Omit<MediaAccess, 'folder'>;
  /** Folder of relative paths; null: the data file's. */
  readonly folder: string | null;
  readonly media: PerKind<ImageSettings>;
  readonly video: VideoSettings;
  /** Does the model take films? */
  readonly hasFilms: boolean;
  readonly fit: Omit<FitSettings, 'media'>;
  readonly mrope: MropeOptions;
  /** A bad picture ends the run, or drops its row with a reason. */
  readonly onBadMedia: 'error' | 'drop';
  /** Decodes a medium, or finds that it was, before the first step; null: decoded in their steps. */
  readonly decodeFirst: ((plan: MediaPlan) => Promise<void>) | null;
  /** Aborted when the run shall end. */
  readonly stop?: AbortSignal | undefined;
  /** Name of the split, for errors. */
  readonly split: string;
  /** Rows bring their chosen answer behind other media along; null: they do not. */
  readonly contrast: { readonly kind: Contrast; readonly seed: number } | null;
}

/** Settings that change a row's tokens or pixels. */
export function settingsText({ media, video, fit, mrope, contrast }: MediaRowSettings): string {
  const kinds = [media.image, media.video].map(({ processor, preResize, exif }) => [processor, preResize, exif]);
  return JSON.stringify([kinds, video, fit.maxLength, fit.policy, mrope, contrast]);
}
