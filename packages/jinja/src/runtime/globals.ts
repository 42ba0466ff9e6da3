// SPDX-License-Identifier: Apache-2.0
import { TemplateError, overflowError, typeError, unsupported, valueError } from '../template-error.js';
import { textOf } from '../values/equality.js';
import { Function, type Body } from '../values/function.js';
import { integerOf } from '../values/numbers.js';
import { Range } from '../values/range.js';
import { str } from '../values/repr.js';
import { typeName } from '../values/type-name.js';
import { Callable, definedOr, PythonObject, type Value } from '../values/value.js';
import { dictFrom, Namespace } from './namespace.js';
import { strftime } from './strftime.js';

/** Longer ranges are refused by Jinja 2's sandbox. */
const longestRange = 100_000;

/** Functions that every template finds. `now`: what `strftime_now` tells. */
export function globalFunctions(now: Date): ReadonlyMap<string, Value> {
  const functions: Readonly<Record<string, Body>> = {
    range,
    dict: (positional, named) => dictFrom('dict', positional, named),
    namespace: (positional, named) => new Namespace(positional, named),
    cycler: (positional) => new Cycler(positional),
    joiner: ([separator], named) => new Joiner(definedOr(separator, definedOr(named.get('sep'), ', '))),
    raise_exception: ([message]) => {
      throw new TemplateError('raised', message === undefined ? 'the template refuses the chat' : str(message));
    },
    strftime_now: ([format]) => {
      const text = format === undefined ? null : textOf(format);
      if (text === null) throw typeError('strftime_now takes a format');
      return strftime(now, text);
    },
    lipsum: () => {
      throw unsupported('lipsum writes random text, with which no run could be repeated');
    },
  };
  return new Map(Object.entries(functions).map(([name, body]) => [name, new Function(name, body)]));
}

function range(positional: readonly Value[]): Range {
  if (positional.length < 1 || positional.length > 3)
    throw typeError(`range expected 1 to 3 arguments, got ${positional.length}`);
  const numbers = positional.map((value) => {
    const integer = integerOf(value);
    if (integer === null) throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
    return integer;
  });
  const [start, stop, step] =
    numbers.length === 1 ? [0n, numbers[0]!, 1n] : [numbers[0]!, numbers[1]!, numbers[2] ?? 1n];
  if (step === 0n) throw valueError('range() arg 3 must not be zero');
  const result = new Range(start, stop, step);
  if (result.length() > longestRange)
    throw overflowError(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${longestRange}).`);
  return result;
}

class Cycler extends PythonObject {
  readonly typeName = 'Cycler';
  #at = 0;

  constructor(private readonly items: readonly Value[]) {
    super();
    if (items.length === 0) throw new TemplateError('runtime', 'at least one item has to be provided');
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'current':
        return this.items[this.#at]!;
      case 'next':
        return new Function(name, () => {
          const item = this.items[this.#at]!;
          this.#at = (this.#at + 1) % this.items.length;
          return item;
        });
      case 'reset':
        return new Function(name, () => {
          this.#at = 0;
          return null;
        });
      case 'pos':
        return BigInt(this.#at);
      default:
        return undefined;
    }
  }

  override isTrue(): boolean {
    return true;
  }

  override repr(): string {
    return '<Cycler object>';
  }
}

class Joiner extends Callable {
  readonly typeName = 'Joiner';
  #isUsed = false;

  constructor(private readonly separator: Value) {
    super();
  }

  override call(): Value {
    const text = this.#isUsed ? this.separator : '';
    this.#isUsed = true;
    return text;
  }

  override attribute(name: string): Value | undefined {
    return name === 'sep' ? this.separator : name === 'used' ? this.#isUsed : undefined;
  }

  override repr(): string {
    return '<Joiner object>';
  }
}
