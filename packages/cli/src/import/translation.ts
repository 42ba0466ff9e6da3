// SPDX-License-Identifier: Apache-2.0
/** How the options of another tool become a config: rules by key, each with a verdict, so that none goes unmentioned. */

export type Options = Readonly<Record<string, unknown>>;

/** What became of an option. */
export interface Verdict {
  readonly kind: 'taken' | 'unused' | 'refused';
  /** Where it stands now; why it has no effect; why it cannot be. */
  readonly text: string;
}

export const taken = (text: string): Verdict => ({ kind: 'taken', text });
export const unused = (text: string): Verdict => ({ kind: 'unused', text });
export const refused = (text: string): Verdict => ({ kind: 'refused', text });

export interface Rule {
  /** The options it answers for: those that are there get its verdict. */
  readonly keys: readonly string[];
  /** Called once, if one of its keys is given or has a default there. `given` has the tool's own defaults filled in. */
  apply(given: Options, draft: Draft): Verdict;
}

/** A tool whose files and command lines can be read. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** What an option that is left out means there, where that decides the result and differs from here. */
  readonly defaults: (given: Options) => Options;
  readonly rules: readonly Rule[];
  /** Its options as rules name them, where its files nest them. */
  readonly read?: (raw: Options) => Options;
  /** Its files write `key:` for what they leave alone. */
  readonly nullsUnset?: boolean;
  /** What its configs leave to a program, and is to be given here. */
  readonly note?: string;
}

/** The config that comes to be. */
export class Draft {
  readonly config: Record<string, unknown> = {};

  /** Places a value at a path such as `train.batchSize`. */
  set(path: string, value: unknown): this {
    const keys = path.split('.');
    let target = this.config;
    for (const key of keys.slice(0, -1)) {
      const inner = target[key];
      target[key] = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
      target = target[key] as Record<string, unknown>;
    }
    target[keys.at(-1)!] = value;
    return this;
  }

  get(path: string): unknown {
    return path
      .split('.')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], this.config);
  }

  plugin(name: string): this {
    const listed = (this.config['plugins'] as string[] | undefined) ?? [];
    if (!listed.includes(name)) this.config['plugins'] = [...listed, name];
    return this;
  }
}

export interface ReportLine extends Verdict {
  readonly key: string;
  readonly value: unknown;
  /** Not given: what the tool does by itself. */
  readonly isDefault: boolean;
}

export interface Translated {
  readonly config: Readonly<Record<string, unknown>>;
  /** Every option that was given, in order, and each default of the tool that was taken over. */
  readonly report: readonly ReportLine[];
}

/** Reads options of another tool. Nothing is dropped without a line in the report. */
export function translate(tool: Tool, options: Options): Translated {
  const read = tool.read?.(options) ?? options;
  const written = Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
  const isSet = (value: unknown): boolean => value !== null || tool.nullsUnset !== true;
  const stated = Object.fromEntries(Object.entries(written).filter(([, value]) => isSet(value)));
  const defaults = Object.fromEntries(Object.entries(tool.defaults(stated)).filter(([key]) => !(key in stated)));
  const given = { ...defaults, ...stated };
  const draft = new Draft();
  const verdicts = new Map<string, Verdict>();
  for (const rule of tool.rules) {
    const present = rule.keys.filter((key) => key in given);
    if (present.length === 0) continue;
    const verdict = rule.apply(given, draft);
    for (const key of present) verdicts.set(key, verdict);
  }
  const line = (key: string, isDefault: boolean): ReportLine => {
    if (!isDefault && !isSet(written[key])) {
      return { key, value: null, isDefault, ...unused('null: nothing is asked for') };
    }
    const verdict = verdicts.get(key) ?? refused('not known here; docs/coming-from.md has what is');
    return { key, value: given[key], isDefault, ...verdict };
  };
  const report = [
    ...Object.keys(written).map((key) => line(key, false)),
    ...Object.keys(defaults)
      .map((key) => line(key, true))
      .filter(({ kind }) => kind !== 'unused'),
  ];
  return { config: draft.config, report };
}
