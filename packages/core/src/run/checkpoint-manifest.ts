// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { crc32, Damage } from '../files/file-sum.js';

/** Version of the layout below; a reader refuses another one. */
export const layoutVersion = 2;

/** A part of the run: its facts, and of the safetensors file beside that holds its tensors what the bytes sum to. */
const manifestState = z.strictObject({
  json: z.unknown().optional(),
  sum: z.strictObject({ bytes: z.int().min(0), crc32: z.int().min(0) }).optional(),
});
export type ManifestState = z.infer<typeof manifestState>;

const manifest = z.strictObject({
  layoutVersion: z.literal(layoutVersion),
  step: z.int().min(0),
  /** Keys of the config that decide the result, for the comparison on resume. */
  config: z.record(z.string(), z.unknown()),
  states: z.record(z.string(), manifestState),
});

/** What `state.json` of a checkpoint holds, beside a sum over all of it. */
export type CheckpointManifest = z.infer<typeof manifest>;

export const manifestText = (content: CheckpointManifest): string =>
  `${JSON.stringify({ ...content, crc32: sumOf(content) }, null, 2)}\n`;

/** @throws Damage, for a text that is damaged or of another layout */
export function parseManifest(text: string): CheckpointManifest {
  const { crc32: sum, ...content } = JSON.parse(text) as Record<string, unknown>;
  if (content['layoutVersion'] !== layoutVersion) {
    throw new Damage(`layout version ${String(content['layoutVersion'])}, this llmf reads ${layoutVersion}`);
  }
  if (sum !== sumOf(content)) throw new Damage('its text is not the one that was written');
  return manifest.parse(content);
}

/** JSON that is parsed and written again is the same text. */
const sumOf = (content: object): number => crc32(JSON.stringify(content));
