// SPDX-License-Identifier: Apache-2.0
import { filters } from './filters/index.js';
import { tests } from './filters/tests.js';
import { limitsFor, withBudget, type Limits } from './runtime/budget.js';
import { Executor, type Span } from './runtime/executor.js';
import { globalFunctions } from './runtime/globals.js';
import { checkNames } from './syntax/check-names.js';
import type { Statement } from './syntax/nodes.js';
import { parseTemplate } from './syntax/parse-template.js';
import { resolveScopes } from './syntax/scopes.js';
import type { Scope } from './syntax/scope.js';
import { toValue } from './values/to-value.js';
import type { Value } from './values/value.js';

export interface RenderOptions {
  /** What `strftime_now` tells; fixed unless given, so that a prompt does not change from day to day. */
  readonly now?: Date;
  /** A list of dicts among the values whose places in the text are wanted. */
  readonly track?: string;
  /** Limits other than those for chats. */
  readonly limits?: Limits;
}

export interface Rendered {
  readonly text: string;
  /** What `{% generation %}` blocks wrote: UTF-16 positions in the text, in order. */
  readonly generated: readonly Span[];
  /** Of each item of the list named by `track`: what the loop over it wrote; null where none or several did. */
  readonly tracked: readonly (Span | null)[];
}

const fixedDate = new Date(Date.UTC(2024, 6, 26));

/** A template in Jinja 2 under Transformers' settings, read once and rendered for many chats. */
export class Template {
  readonly #body: readonly Statement[];
  readonly #scope: Scope;

  /** @throws TemplateError of kind `syntax`. */
  constructor(readonly source: string) {
    this.#body = withBudget(limitsFor(source.length), () => parseTemplate(source));
    this.#scope = withBudget(limitsFor(source.length), () => {
      checkNames(this.#body, { filters, tests });
      return resolveScopes(this.#body);
    });
  }

  /** @throws TemplateError where the template refuses the values, fails on them or exceeds the limits. */
  render(values: Readonly<Record<string, unknown>>, options: RenderOptions = {}): Rendered {
    return withBudget(options.limits ?? limitsFor(sizeOf(values)), () => {
      const given = new Map<string, Value>(globalFunctions(options.now ?? fixedDate));
      for (const [name, value] of Object.entries(values)) if (value !== undefined) given.set(name, toValue(value));
      const executor = new Executor((name) => given.get(name));
      executor.run(this.#body, this.#scope);
      const tracked = options.track === undefined ? [] : placesOf(given.get(options.track), executor.written);
      return { text: executor.output.text, generated: executor.generated, tracked };
    });
  }
}

function placesOf(list: Value | undefined, written: Executor['written']): (Span | null)[] {
  if (!Array.isArray(list)) return [];
  const places = new Map<Value, Span | null>();
  for (const { item, span } of written) places.set(item, places.has(item) ? null : span);
  return list.map((item) => places.get(item) ?? null);
}

/** Characters in all texts of the values, roughly: limits grow with it. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 16;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) size += sizeOf(inner);
  return size;
}
