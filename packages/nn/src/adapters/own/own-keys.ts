// SPDX-License-Identifier: Apache-2.0
/** Names of what an adapter has in the place of a model's modules, in PEFT's files (peft 0.21, utils/save_and_load.py). */
import type { Model } from '../../contracts/model.js';

const prefix = 'base_model.model.';

/** What a tensor of adapter_model.safetensors is. */
export type OwnKey =
  | { readonly kind: 'weight'; readonly name: string }
  | { readonly kind: 'lowRank'; readonly path: string; readonly half: 'A' | 'B' }
  /** Of a linear layer: of the head here. */
  | { readonly kind: 'update'; readonly path: string; readonly half: 'A' | 'B' }
  | { readonly kind: 'tokens'; readonly path: string }
  /** Of the base, beside a module that is trained: loading does not need it. */
  | { readonly kind: 'original' };

type Named = Pick<Model, 'moduleNames'>;

/** PEFT's keys of the parts. */
export function ownKeys({ moduleNames }: Named, areAlone: boolean) {
  const theirs = (path: string) => `${prefix}${moduleNames?.toTransformers(path) ?? path}`;
  const cut = (name: string) => name.lastIndexOf('.');
  return {
    weight: (name: string) => `${theirs(name.slice(0, cut(name)))}${name.slice(cut(name))}`,
    /** A table below its low-rank update. */
    baseWeight: (path: string) => `${theirs(path)}.base_layer.weight`,
    lowRank: (path: string, half: 'A' | 'B') => `${theirs(path)}.lora_embedding_${half}`,
    update: (path: string, half: 'A' | 'B') => `${theirs(path)}.lora_${half}.weight`,
    tokens: (path: string) => `${theirs(path)}.${areAlone ? '' : 'token_adapter.'}trainable_tokens_delta`,
  };
}

/** What a key means for a model; null where it is of another kind. */
export function parseOwnKey({ moduleNames }: Named, key: string): OwnKey | null {
  if (!key.startsWith(prefix)) return null;
  const bare = key.slice(prefix.length).replace(/\.default(?=\.|$)/, '');
  if (bare.includes('.original_module.')) return { kind: 'original' };
  const plain = bare.replace(/\.(modules_to_save|base_layer|token_adapter)(?=\.)/g, '');
  const oursOf = (path: string) => moduleNames?.fromTransformers(path) ?? path;
  const [, updated, half] = /^(.+)\.lora_([AB])\.weight$/.exec(plain) ?? [];
  if (updated !== undefined) return { kind: 'update', path: oursOf(updated), half: half as 'A' | 'B' };
  const [, path, part] = /^(.+)\.(\w+)$/.exec(plain) ?? [];
  if (path === undefined) return null;
  const ours = oursOf(path);
  if (part === 'trainable_tokens_delta') return { kind: 'tokens', path: ours };
  if (part === 'lora_embedding_A' || part === 'lora_embedding_B')
    return { kind: 'lowRank', path: ours, half: part === 'lora_embedding_A' ? 'A' : 'B' };
  return { kind: 'weight', name: `${ours}.${part}` };
}

/** Does PEFT's `modules_to_save` mean this weight: is it of a module, or below one, whose path ends with a name? */
export function isNamed({ moduleNames }: Named, weight: string, names: readonly string[]): boolean {
  const path = weight.slice(0, weight.lastIndexOf('.'));
  const parts = (moduleNames?.toTransformers(path) ?? path).split('.');
  const modules = parts.map((_, at) => parts.slice(0, at + 1).join('.'));
  return modules.some((module) => names.some((name) => module.endsWith(name)));
}
