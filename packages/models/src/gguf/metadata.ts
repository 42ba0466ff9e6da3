// SPDX-License-Identifier: Apache-2.0
import { ggufErrors } from './gguf-errors.js';
import type { GgufMetadata, GgufValue } from './gguf-file.js';

/** Reads keys of one file's metadata, each as what it has to be. */
export class Metadata {
  constructor(
    readonly file: string,
    private readonly values: GgufMetadata,
  ) {}

  /** @throws LLMF_MODELS_GGUF_VALUE, as all of these where the value is another, or there is none and no `otherwise` */
  number(key: string, otherwise?: number): number {
    return this.get(key, 'a finite number', (value) => typeof value === 'number' && Number.isFinite(value), otherwise);
  }

  count(key: string, otherwise?: number): number {
    const isCount = (value: GgufValue) => Number.isSafeInteger(value) && (value as number) >= 0;
    return this.get(key, 'a whole number', isCount, otherwise);
  }

  /** Of something there is: at least 1. */
  size(key: string, otherwise?: number): number {
    const isSize = (value: GgufValue) => Number.isSafeInteger(value) && (value as number) >= 1;
    return this.get(key, 'a whole number from 1 on', isSize, otherwise);
  }

  text(key: string, otherwise?: string): string {
    return this.get(key, 'a text', (value) => typeof value === 'string', otherwise);
  }

  flag(key: string, otherwise?: boolean): boolean {
    return this.get(key, 'true or false', (value) => typeof value === 'boolean', otherwise);
  }

  texts(key: string): readonly string[] {
    return this.get(key, 'a list of texts', (value) => isListOf(value, 'string'));
  }

  numbers(key: string): readonly number[] {
    return this.get(key, 'a list of numbers', (value) => isListOf(value, 'number'));
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  /** Keys that begin so. */
  keys(prefix: string): string[] {
    return [...this.values.keys()].filter((key) => key.startsWith(prefix));
  }

  refuse(key: string, expected: string): Error {
    const value = this.values.get(key);
    const got = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
    return ggufErrors.ggufValue({ file: this.file, key, got, expected });
  }

  private get<T>(key: string, expected: string, is: (value: GgufValue) => boolean, otherwise?: T): T {
    const value = this.values.get(key);
    if (value === undefined && otherwise !== undefined) return otherwise;
    if (value === undefined || !is(value)) throw this.refuse(key, expected);
    return value as T;
  }
}

const isListOf = (value: GgufValue, type: string): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === type);
