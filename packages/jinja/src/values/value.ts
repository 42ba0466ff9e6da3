// SPDX-License-Identifier: Apache-2.0
/**
 * Python's values: `null` is None, a bigint an int, a number a float, an array a list; all others are objects.
 * So 1 and 1.0 stay apart, and whole numbers of any size keep their digits.
 */
export type Value = Constant | Value[] | PythonObject;

/** Values that a literal can have. */
export type Constant = null | boolean | bigint | number | string;

/** The value, or another where there is none; None is one. */
export const definedOr = (value: Value | undefined, otherwise: Value): Value =>
  value === undefined ? otherwise : value;

/** Arguments by name of a call. */
export type Named = ReadonlyMap<string, Value>;

/** What Python's protocols ask of an object; a type answers those that it supports. */
export abstract class PythonObject {
  /** As Python's `type(x).__name__`. */
  abstract readonly typeName: string;

  /** `getattr`; undefined: there is no such attribute. */
  attribute(_name: string): Value | undefined {
    return undefined;
  }

  /** `x[key]`; undefined: there is no such item, or there are none at all. */
  item(_key: Value): Value | undefined {
    return undefined;
  }

  /** null: it cannot be iterated over. */
  iterate(): Iterator<Value> | null {
    return null;
  }

  /** null: it has no length. */
  length(): number | null {
    return null;
  }

  isTrue(): boolean {
    return this.length() !== 0;
  }

  /** Python's `==` with another object. */
  equals(_other: PythonObject): boolean {
    return false;
  }

  /** What stands for it as a key of a dict: see `keyOf`. @throws TypeError where it cannot be one */
  key(): unknown {
    return this;
  }

  abstract repr(): string;

  str(): string {
    return this.repr();
  }
}

/** Something that a template can call. */
export abstract class Callable extends PythonObject {
  abstract call(positional: readonly Value[], named: Named): Value;
}
