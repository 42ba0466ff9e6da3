// SPDX-License-Identifier: Apache-2.0
import type { LinearLayer, Parameter } from '@llmf/nn';
import type { VisionLanguageModel } from './vision-language-model.js';

export interface FrozenHalves {
  readonly tower: boolean;
  readonly projector: boolean;
  readonly language: boolean;
}

/** Which half a weight or module belongs to, by its name. */
export function halfOf(name: string): keyof FrozenHalves {
  if (name.startsWith('visual.merger.')) return 'projector';
  return name.startsWith('visual.') ? 'tower' : 'language';
}

/**
 * The same model with frozen halves out of reach: their weights are not trainable and their layers are no targets of a
 * new adapter. The weights themselves are shared; a saved adapter acts on all layers it was trained on.
 */
export function freezeHalves(model: VisionLanguageModel, frozen: FrozenHalves): VisionLanguageModel {
  const isFrozen = (name: string) => frozen[halfOf(name)];
  const parameters = new Map<string, Parameter>();
  for (const [name, parameter] of model.parameters) {
    parameters.set(name, isFrozen(name) ? { ...parameter, trainable: false } : parameter);
  }
  const targets = new Map<string, LinearLayer>([...model.linears].filter(([path]) => !isFrozen(path)));
  return Object.create(model, {
    parameters: { value: parameters, enumerable: true },
    targets: { value: targets, enumerable: true },
  }) as VisionLanguageModel;
}
