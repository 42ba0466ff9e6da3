// SPDX-License-Identifier: Apache-2.0
/** A typed name in the container. `Symbol.for` keeps it equal across two installed copies of a package. */
export type Token<T> = symbol & { readonly __type?: T };

/** `providedBy` is the package that usually registers it, named in the error when nobody did. */
export function token<T>(name: string, providedBy?: string): Token<T> {
  const symbol = Symbol.for(`llmf:${name}`) as Token<T>;
  if (providedBy !== undefined) usualProviders.set(symbol, providedBy);
  return symbol;
}

/** On globalThis, so that every installed copy of core knows what the others were told. */
const usualProviders: Map<symbol, string> = ((globalThis as Record<symbol, unknown>)[
  Symbol.for('llmf:usual-providers')
] ??= new Map<symbol, string>()) as Map<symbol, string>;

export const usualProvider = (name: symbol): string | undefined => usualProviders.get(name);

/** What every value that a config can choose by name has in common: a loss, a stage, an adapter, a backend, … */
export interface Named {
  /** The name written in the config, e.g. `simpo`. */
  readonly name: string;
  /** One line for `--help` and `llmf plugins`. */
  readonly description?: string;
  /** Strict zod object of its options, without `name`. */
  readonly options?: OptionsSchema;
}

/** The part of zod's object type the engine relies on; plugins may bring their own copy of zod 4. */
export interface OptionsSchema {
  readonly shape: Record<string, unknown>;
  safeParse(
    input: unknown,
  ): { success: true; data: unknown } | { success: false; error: { issues: readonly OptionIssue[] } };
}

export interface OptionIssue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}
