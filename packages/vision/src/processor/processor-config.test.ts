// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readProcessorConfig, readVideoProcessorConfig } from './processor-config.js';

/** A model folder with these files. */
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-processor-'));
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}
const limits = async (files: Readonly<Record<string, unknown>>, read = readProcessorConfig) => {
  const { minPixels, maxPixels } = await read(folderOf(files));
  return [minPixels, maxPixels];
};
const edges = (shortest: number, longest: number) => ({ size: { shortest_edge: shortest, longest_edge: longest } });
const older = { 'preprocessor_config.json': { min_pixels: 100, max_pixels: 200 } };
const whole = (parts: object) => ({ 'processor_config.json': { processor_class: 'Qwen2VLProcessor', ...parts } });

describe('a picture’s limits (Transformers 5.18)', () => {
  it.each([
    ['older keys', older, [100, 200]],
    ['no keys: the class’s own', { 'preprocessor_config.json': {} }, [3136, 1003520]],
    ['size', { 'preprocessor_config.json': edges(1, 2) }, [1, 2]],
    ['older keys above size', { 'preprocessor_config.json': { ...edges(1, 2), max_pixels: 9 } }, [1, 9]],
    ['a size completed by them', { 'preprocessor_config.json': { size: { longest_edge: 2 }, min_pixels: 1 } }, [1, 2]],
    [
      'the one file of all processors, above the older file',
      { ...older, ...whole({ image_processor: edges(1, 2) }) },
      [1, 2],
    ],
    ['that file alone', whole({ image_processor: edges(1, 2) }), [1, 2]],
    ['that file without the part', { ...older, ...whole({}) }, [100, 200]],
  ])('come from %s', async (_, files, expected) => expect(await limits(files)).toEqual(expected));

  it.each([
    ['height and width', { height: 224, width: 224 }],
    ['one edge', { longest_edge: 2 }],
    ['older names inside', { min_pixels: 1, max_pixels: 2 }],
    ['a number', 224],
  ])('are refused where size holds %s', async (_, size) => {
    await expect(limits({ 'preprocessor_config.json': { size } })).rejects.toMatchObject({
      code: 'LLMF_VISION_PROCESSOR_CONFIG',
    });
  });

  it.each([
    ['PROCESSOR_CONFIG_MISSING', {}],
    ['PROCESSOR_CONFIG_BROKEN', { 'preprocessor_config.json': '{' }],
    ['PROCESSOR_CONFIG_BROKEN', { ...older, 'processor_config.json': '[]' }],
  ])('need a file: %s', async (code, files) => {
    await expect(limits(files)).rejects.toMatchObject({ code: `LLMF_VISION_${code}` });
  });
});

it.each([
  ['its own part', { ...older, ...whole({ video_processor: edges(3, 4) }) }, [3, 4]],
  [
    'its own file',
    { ...older, 'video_preprocessor_config.json': { ...edges(3, 4), video_processor_type: 'Qwen2VLVideoProcessor' } },
    [3, 4],
  ],
  ['the pictures’ file', older, [100, 200]],
  ['the films’ own class, where that file says nothing', { 'preprocessor_config.json': {} }, [100352, 602112]],
  ['the pictures’ part, where there is nothing else', whole({ image_processor: edges(1, 2) }), [1, 2]],
])('a film’s limits come from %s', async (_, files, expected) =>
  expect(await limits(files, readVideoProcessorConfig)).toEqual(expected),
);
