// SPDX-License-Identifier: Apache-2.0
import { gridOf, type ImageSettings } from '../processor/process-image.js';
import { tokenCount, type Grid } from '../processor/patches.js';
import type { Size } from '../processor/smart-resize.js';
import type { MediaKind } from '../tokens/media-tokens.js';

/** A picture or film of a row, with everything that its headers decide. */
export interface MediaPlan {
  readonly kind: MediaKind;
  /** As the row names it; relative paths start in `folder`. */
  readonly value: unknown;
  readonly folder: string;
  /** Identity of the content, for caches: changes when the file does. */
  readonly identity: string;
  /** Upright size in pixels. */
  readonly size: Size;
  /** Frames of a video, 1 for a picture. */
  readonly frames: number;
  /** Pixels allowed for this row; null: the processor's own limit. */
  readonly maxPixels: number | null;
  readonly grid: Grid;
  /** Only this part of it is seen, enlarged to the same grid (a contrast); left out: all of it. */
  readonly crop?: Crop;
  /** Seconds that a temporal patch covers; videos only. */
  readonly secondsPerPatch?: number;
}

/** A part of a picture, as shares of its width and height. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What decides grids, per kind of medium; videos may have limits of their own. */
export type GridSettings = Pick<ImageSettings, 'processor' | 'preResize'>;
export type PerKind<S> = Readonly<Record<MediaKind, S>>;

/** The processor's settings with a row's own limit. */
export function limitedSettings<S extends GridSettings>(settings: S, maxPixels: number | null): S {
  if (maxPixels === null || maxPixels >= settings.processor.maxPixels) return settings;
  return { ...settings, processor: { ...settings.processor, maxPixels } };
}

/** The grid of frames of a size under a pixel limit. */
export function planGrid(size: Size, frames: number, maxPixels: number | null, settings: GridSettings): Grid {
  const still = gridOf(size, limitedSettings(settings, maxPixels));
  return { ...still, t: Math.ceil(frames / settings.processor.temporalPatchSize) };
}

/** Language-model tokens that a medium takes. */
export const planTokens = ({ kind, grid }: Pick<MediaPlan, 'kind' | 'grid'>, settings: PerKind<GridSettings>): number =>
  tokenCount(grid, settings[kind].processor.mergeSize);

/** The same medium with at most `maxPixels` pixels per frame. */
export function shrinkPlan(plan: MediaPlan, maxPixels: number, settings: PerKind<GridSettings>): MediaPlan {
  return { ...plan, maxPixels, grid: planGrid(plan.size, plan.frames, maxPixels, settings[plan.kind]) };
}

/** The same medium without a limit of a row's own. */
export function wholePlan(plan: MediaPlan, settings: PerKind<GridSettings>): MediaPlan {
  return { ...plan, maxPixels: null, grid: planGrid(plan.size, plan.frames, null, settings[plan.kind]) };
}
