// SPDX-License-Identifier: Apache-2.0
import type { RunConfig } from '../config/run-config.js';
import { coreErrors } from '../core-errors.js';

/** A typed name for a plugin's section of the config: whoever has it reads the section without knowing the plugin. */
export interface Section<T> {
  readonly key: string;
  /** Package that brings the section, named in the error when it is absent. */
  readonly providedBy: string;
  readonly __type?: T;
}

export const section = <T>(key: string, providedBy: string): Section<T> => ({ key, providedBy });

/** The parsed section, undefined where no loaded plugin declares it. */
export const findSection = <T>(config: Pick<RunConfig, 'sections'>, { key }: Section<T>): T | undefined =>
  config.sections[key] as T | undefined;

/** The parsed section. @throws LLMF_CORE_SECTION_ABSENT when no loaded plugin declares it. */
export function readSection<T>(config: Pick<RunConfig, 'sections'>, { key, providedBy }: Section<T>): T {
  if (key in config.sections) return config.sections[key] as T;
  throw coreErrors.sectionAbsent({ key, providedBy, known: Object.keys(config.sections) });
}
