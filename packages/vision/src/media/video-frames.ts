// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import { videoFrames } from '../processor/process-video.js';
import { mediaReference } from './media-reference.js';
import { insideFolder, type MediaAccess } from './open-media.js';

/** Paths of a film's frames: of a folder of images, or of a list of images in their order (Qwen's own form). */
export async function framePaths(given: unknown, access: MediaAccess): Promise<string[]> {
  const value = filmOf(given);
  if (typeof value === 'string') return await videoFrames(insideFolder(pathOf(value), access));
  if (!Array.isArray(value) || value.length === 0)
    throw visionErrors.mediaReference({ got: `the film ${JSON.stringify(value)}` });
  return value.map((frame: unknown) => insideFolder(pathOf(frame), access));
}

/** What a content part calls its film. @throws LLMF_VISION_MEDIA_KEY for what it says besides (`fps`, `nframes`) */
function filmOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const said = Object.entries(value).filter(([key, inner]) => key !== 'type' && inner !== undefined && inner !== null);
  const lost = said.find(([key]) => !places.includes(key));
  if (lost !== undefined) throw visionErrors.mediaKey({ key: lost[0], got: JSON.stringify(lost[1]) });
  return said.length === 1 ? filmOf(said[0]![1]) : value;
}

/** Keys under which a film is found. */
const places = ['video', 'path', 'url', 'video_url', 'value'];

function pathOf(value: unknown): string {
  const reference = mediaReference(value);
  if (reference.from === 'path') return reference.path;
  const got = reference.from === 'url' ? reference.url : reference.name;
  throw visionErrors.videoFrames({ folder: got, reason: 'frames are read from files' });
}
