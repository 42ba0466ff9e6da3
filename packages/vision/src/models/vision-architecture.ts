// SPDX-License-Identifier: Apache-2.0
import { ModelParts, WeightRecorder, type Architecture, type WeightSource } from '@llmf/nn';
import type { z } from 'zod';
import { readVisionConfig } from '../tower/vision-config.js';
import type { VisionTower } from '../tower/vision-tower.js';
import { moduleNames } from './module-names.js';
import { VisionLanguageModel, visionFacts, type PatchShape } from './vision-language-model.js';

/** A vision tower in front of a language model of text. */
export interface VisionFamily<Schema extends z.ZodType<PatchShape>> {
  readonly name: string;
  readonly description: string;
  /** Of `vision_config`. */
  readonly config: Schema;
  tower(parts: ModelParts, config: z.output<Schema>): VisionTower;
  /** Position steps per second of a film; null: one per temporal patch. */
  tokensPerSecond(config: z.output<Schema>): number | null;
  /** Left out: films as well as pictures. */
  readonly hasFilms?: boolean;
  /** The config of the language half as the architecture of text has it. */
  textConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** The architecture's. */
  readonly namesWeightsAsModules?: true;
}

/** @param language finds the architecture of the language half when a model is built */
export function visionArchitecture<Schema extends z.ZodType<PatchShape>>(
  language: () => Architecture,
  family: VisionFamily<Schema>,
): Architecture {
  const { name, description, config: schema, tower: make, textConfig } = family;
  const treeOf = (config: Record<string, unknown>, source: WeightSource) => {
    const vision = readVisionConfig(schema, config);
    const parts = new ModelParts(source);
    return { vision, parts, tower: make(parts.at('visual', { isBeside: true }), vision) };
  };
  return {
    name,
    description,
    ...languageHalf(language, textConfig),
    ...(family.namesWeightsAsModules && { namesWeightsAsModules: true }),
    weights(config) {
      const recorder = new WeightRecorder();
      treeOf(config, recorder);
      return new Map([...recorder.weights, ...language().weights(textConfig(config))]);
    },
    build(config, source) {
      const { vision, parts, tower } = treeOf(config, source);
      const text = language().build(textConfig(config), source);
      const facts = visionFacts(config, vision, family.tokensPerSecond(vision), family.hasFilms);
      return new VisionLanguageModel(name, config, text, tower, parts, facts);
    },
  };
}

/** What is the language half's alone. */
function languageHalf(
  language: () => Architecture,
  textConfig: VisionFamily<z.ZodType<PatchShape>>['textConfig'],
): Pick<Architecture, 'blocks' | 'renameWeight' | 'moduleNames' | 'tied' | 'remarks'> {
  return {
    moduleNames,
    blocks: (config) => language().blocks(textConfig(config)),
    renameWeight(key) {
      const name = moduleNames.fromTransformers(key);
      const ofText = language().renameWeight;
      return name.startsWith('visual.') || ofText === undefined ? name : ofText(name);
    },
    tied: (config) => language().tied?.(textConfig(config)) ?? new Map(),
    remarks: (config) => language().remarks?.(textConfig(config)) ?? [],
  };
}
