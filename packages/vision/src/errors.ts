// SPDX-License-Identifier: Apache-2.0
import { defineErrors, withoutSecrets } from '@llmf/core';

/** Errors of media, image processing and vision models that the user can mend. */
export const visionErrors = defineErrors('vision', {
  fileMissing: (f: { path: string; row?: string }) => ({
    what: 'there is no image file at this path',
    where: f.row,
    got: f.path,
    fix: 'check the path; relative paths start from the folder of the data file (or `vision.folder`)',
  }),
  fileUnreadable: (f: { path: string; reason: string }) => ({
    what: 'the image file cannot be read',
    where: f.path,
    got: f.reason,
    fix: 'check that it is a file and its permissions',
  }),
  fileTooLarge: (f: { name: string; bytes: number; limit: number }) => ({
    what: 'the image file is too large',
    where: f.name,
    got: `${f.bytes} bytes`,
    expected: `at most ${f.limit} bytes`,
    fix: 'shrink the file, or raise `vision.limits.maxFileBytes`',
  }),
  outsideFolder: (f: { path: string; folder: string }) => ({
    what: 'an image path leads out of the data folder',
    got: f.path,
    expected: `a path inside ${f.folder}`,
    fix: 'move the image into the data folder, set `vision.folder`, or allow it with `vision.outsideFolder: true`',
  }),
  mediaReference: (f: { got: string }) => ({
    what: 'this is not an image reference',
    got: f.got,
    expected: 'a path, a data URL (data:image/…;base64,…), an http(s) URL, or { path } or { bytes }',
    fix: 'mend the `images` column',
  }),
  dataUrl: (f: { reason: string; got: string }) => ({
    what: `this data URL cannot be read: ${f.reason}`,
    got: f.got,
    expected: 'data:image/png;base64,… (or jpeg, gif, webp)',
    fix: 'encode the image again',
  }),
  svg: (f: { name: string }) => ({
    what: 'SVG pictures are not read: they can load other files and have no fixed size in pixels',
    where: f.name,
    fix: 'convert it to PNG',
  }),
  unknownFormat: (f: { name: string; got: string }) => ({
    what: 'this is not an image in a known format',
    where: f.name,
    got: f.got,
    expected: 'JPEG, PNG, GIF or WebP (the content counts, not the extension)',
    fix: 'convert it to one of these, or remove the row',
  }),
  headerTruncated: (f: { name: string; format: string; bytes: number }) => ({
    what: `the ${f.format} file ends before its size is stated`,
    where: f.name,
    got: `${f.bytes} bytes`,
    fix: 'fetch the file again, or remove the row',
  }),
  headerDamaged: (f: { name: string; format: string; reason: string }) => ({
    what: `the ${f.format} header is damaged: ${f.reason}`,
    where: f.name,
    fix: 'fetch the file again, or remove the row',
  }),
  tooManyPixels: (f: { name: string; width: number; height: number; limit: number }) => ({
    what: 'the image has too many pixels to be decoded safely',
    where: f.name,
    got: `${f.width} × ${f.height} (${f.width * f.height} pixels)`,
    expected: `at most ${f.limit} pixels`,
    fix: 'shrink the image, or raise `vision.limits.maxPixels`',
  }),
  tooSmall: (f: { name: string; width: number; height: number; limit: number }) => ({
    what: 'the image is too small',
    where: f.name,
    got: `${f.width} × ${f.height}`,
    expected: `both sides at least ${f.limit} pixels`,
    fix: 'remove the row, or lower `vision.limits.minSide`',
  }),
  aspectRatio: (f: { width: number; height: number }) => ({
    what: 'the image is too long and thin',
    got: `${f.width} × ${f.height}`,
    expected: 'an aspect ratio of at most 200',
    fix: 'crop it, remove the row, or set `vision.image.maxPixels` (which also limits the aspect ratio)',
  }),
  decodeFailed: (f: { name: string; format: string; reason: string }) => ({
    what: `the ${f.format} data cannot be decoded: ${f.reason}`,
    where: f.name,
    fix: 'fetch the file again, or remove the row; `vision.decodeFirst` finds all such files before the first step',
  }),
  sharpMissing: (f: { reason: string }) => ({
    what: 'the image decoder (sharp) cannot be loaded',
    got: f.reason,
    fix: 'run: npm install sharp@0.35.5',
  }),
  processorConfig: (f: { file: string; key: string; got: string; expected: string }) => ({
    what: `"${f.key}" of the image processor is not supported`,
    where: f.file,
    got: f.got,
    expected: f.expected,
    fix: 'use the processor_config.json or preprocessor_config.json of the checkpoint',
  }),
  processorConfigBroken: (f: { file: string }) => ({
    what: 'the settings of the image processor are no JSON object',
    where: f.file,
    fix: 'copy the file from the checkpoint on the Hugging Face hub again',
  }),
  processorConfigMissing: (f: { file: string }) => ({
    what: 'the model folder has no image processor settings',
    where: f.file,
    fix: 'copy preprocessor_config.json from the checkpoint on the Hugging Face hub',
  }),
  mediaKey: (f: { key: string; got: string }) => ({
    what: `"${f.key}" of a picture is not read here, and would change what the model sees`,
    got: f.got,
    fix: 'remove it; `vision.image` and `vision.video` limit the pixels of all pictures and films',
  }),
  placeholderCount: (f: { where: string; placeholders: number; media: number; kind: 'image' | 'video' }) => ({
    what: `the ${f.kind} placeholders of a row do not match its ${f.kind}s`,
    where: f.where,
    got: `${f.placeholders} placeholders, ${f.media} ${f.kind}s`,
    expected: `one placeholder per ${f.kind}`,
    fix: `add or remove \`<${f.kind}>\` in the text, or mend the \`${f.kind}s\` column`,
  }),
  tokenRun: (f: { at: number; got: number; expected: number }) => ({
    what: 'a run of media tokens has another length than its image',
    where: `token ${f.at}`,
    got: `${f.got} tokens`,
    expected: `${f.expected} tokens`,
    fix: 'the image or the pixel limits changed after the row was tokenized; prepare the data again',
  }),
  noRowsLeft: (f: { split: string; reason: string }) => ({
    what: `no row of ${f.split} is left after its media were looked at`,
    got: `the last one: ${f.reason}`,
    fix: 'raise `data.maxLength`, lower `vision.image.maxPixels`, or mend the media',
  }),
  noOtherMedia: (f: { where: string }) => ({
    what: 'a row was to be contrasted with other media, but no row has as many of the same kinds',
    where: f.where,
    fix: 'set `vision.contrast: crop`, or train on rows with different media',
  }),
  mediaChanged: (f: { where: string }) => ({
    what: 'an image changed while the run was going on: it has another size',
    where: f.where,
    fix: 'leave the images alone during a run, then continue with --resume',
  }),
  urlNotAllowed: (f: { url: string }) => ({
    what: 'images are not fetched from the network unless this is allowed',
    got: withoutSecrets(f.url),
    fix: 'download the image and name its path, or set `vision.remote.allow: true`',
  }),
  urlScheme: (f: { url: string; scheme: string }) => ({
    what: `images are not fetched over "${f.scheme}"`,
    got: withoutSecrets(f.url),
    expected: 'http or https',
    fix: 'use an http(s) URL or a path',
  }),
  privateAddress: (f: { url: string; address: string }) => ({
    what: 'this URL leads to a private or local address, which is never fetched',
    got: `${withoutSecrets(f.url)} (${f.address})`,
    fix: 'download the image yourself and name its path',
  }),
  fetchFailed: (f: { url: string; reason: string }) => ({
    what: `the image could not be fetched: ${withoutSecrets(f.reason)}`,
    got: withoutSecrets(f.url),
    fix: 'check the URL, or raise `vision.remote.timeoutMs` or `vision.remote.maxBytes`',
  }),
  videoFrames: (f: { folder: string; reason: string }) => ({
    what: `this folder is not a video: ${f.reason}`,
    where: f.folder,
    expected: 'a folder of numbered images of one size',
    fix: 'write the frames as frame-0001.jpg, frame-0002.jpg, …',
  }),
  noFilms: (f: { got: string }) => ({
    what: 'this model takes no films here: it reads the time of each frame, which data does not write between frames',
    got: f.got,
    expected: 'pictures',
    fix: 'give the frames as pictures, or take a Qwen2-VL or Qwen2.5-VL',
  }),
  visionConfig: (f: { key: string; got: string; expected: string }) => ({
    what: `"${f.key}" of the model's config.json is not supported`,
    got: f.got,
    expected: f.expected,
    fix: 'use the config.json of the checkpoint',
  }),
});

/** Faults of our own code. */
export const visionFaults = defineErrors(
  'vision',
  {
    embeddingCount: (f: { tokens: number; embeddings: number }) => ({
      what: 'a batch holds another number of media tokens than of media embeddings',
      got: `${f.embeddings} embeddings`,
      expected: `${f.tokens} tokens`,
      fix: 'report it with the config (--debug shows where)',
    }),
  },
  2,
);
