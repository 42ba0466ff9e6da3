// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import { videoFrames } from '../processor/process-video.js';
import { mediaReference } from './media-reference.js';
import { insideFolder, type MediaAccess } from './open-media.js';

/** Paths of a film's frames: of a folder of images, or of a list of images in their order (Qwen's own form). */
export async function framePaths(value: unknown, access: MediaAccess): Promise<string[]> {
  if (typeof value === 'string') return await videoFrames(insideFolder(pathOf(value), access));
  if (!Array.isArray(value) || value.length === 0)
    throw visionErrors.mediaReference({ got: `the film ${JSON.stringify(value)}` });
  return value.map((frame: unknown) => insideFolder(pathOf(frame), access));
}

function pathOf(value: unknown): string {
  const reference = mediaReference(value);
  if (reference.from === 'path') return reference.path;
  const got = reference.from === 'url' ? reference.url : reference.name;
  throw visionErrors.videoFrames({ folder: got, reason: 'frames are read from files' });
}
