// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateText } from '../runtime/budget.js';
import { characters, isSimple } from '../strings/code-points.js';
import { stringMethod } from '../strings/methods.js';
import { TemplateError, typeError } from '../template-error.js';
import { textOf } from './equality.js';
import { Dict } from './dict.js';
import { changesList, itemAt, listAttribute } from './list.js';
import { Markup } from './markup.js';
import { numberAttribute } from './number-attributes.js';
import { asIndex, isNumber } from './numbers.js';
import { Range } from './range.js';
import { repr } from './repr.js';
import { Tuple } from './tuple.js';
import { typeName } from './type-name.js';
import { Undefined } from './undefined.js';
import { PythonObject, type Value } from './value.js';

/** `object.name`: the attribute where there is one, else the item. */
export function getAttribute(object: Value, name: string): Value {
  const attribute = attributeOf(object, name);
  if (attribute !== undefined) return attribute;
  const item = itemOf(object, name);
  return item === undefined ? missing(object, name) : item;
}

/** `object[key]`: the item where there is one, else the attribute of that name. */
export function getItem(object: Value, key: Value): Value {
  const item = itemOf(object, key);
  if (item !== undefined) return item;
  const name = textOf(key);
  const attribute = name === null ? undefined : attributeOf(object, name);
  return attribute === undefined ? missing(object, key) : attribute;
}

/**
 * An attribute as the sandbox gives it out: what begins with an underscore or would change a list or dict is
 * undefined, and a security error to who uses it.
 */
export function attributeOf(object: Value, name: string): Value | undefined {
  if (object instanceof Undefined) return ofEveryObject.has(name) ? unsafe(object, name) : object.attribute();
  if (isInternal(name)) return unsafe(object, name);
  if (Array.isArray(object)) return changesList(name) ? unsafe(object, name) : listAttribute(object, name);
  if (object instanceof Dict && Dict.changes(name)) return unsafe(object, name);
  if (object instanceof Markup) return stringMethod(object.text, name, true, access);
  if (object instanceof PythonObject) return object.attribute(name);
  if (typeof object === 'string') return stringMethod(object, name, false, access);
  return isNumber(object) ? numberAttribute(object, name) : undefined;
}

const access = { attribute: getAttribute, item: getItem };

/** Attributes that an undefined value has too, where all others fail. */
const ofEveryObject = new Set(
  'class init new doc module str repr eq ne hash len iter bool add radd sub mul getattr getattribute getitem call dir format reduce reduce_ex setattr delattr sizeof subclasshook init_subclass slots lt le gt ge'
    .split(' ')
    .map((name) => `__${name}__`),
);

/** Every Python object has such attributes (`__class__`, `__init__`); none is given out. */
const isInternal = (name: string) => name.startsWith('__') && name.endsWith('__');

function unsafe(object: Value, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`, 'security');
}

function missing(object: Value, key: Value): Undefined {
  const name = textOf(key);
  if (name === null) return new Undefined(`${typeName(object)} object has no element ${repr(key)}`);
  return new Undefined(`'${typeName(object)} object' has no attribute '${name}'`);
}

function itemOf(object: Value, key: Value): Value | undefined {
  if (Array.isArray(object)) return itemAt(object, key);
  const text = textOf(object);
  if (text !== null) return characterOf(text, key);
  if (!(object instanceof PythonObject)) return undefined;
  try {
    return object.item(key);
  } catch (error) {
    // A list as a key: Jinja 2 takes the TypeError for a missing item.
    if (error instanceof TemplateError && error.exception === 'TypeError') return undefined;
    throw error;
  }
}

function characterOf(text: string, key: Value): string | undefined {
  const index = asIndex(key);
  if (index === null || !Number.isFinite(index)) return undefined;
  if (isSimple(text)) return text[index < 0 ? text.length + index : index];
  const all = characters(text);
  return all[index < 0 ? all.length + index : index];
}

/** `object[start:stop:step]`. @throws TypeError for what has no parts. */
export function getSlice(object: Value, start: Value, stop: Value, step: Value): Value {
  const text = textOf(object);
  if (text !== null) {
    const part = slicedText(text, start, stop, step);
    return object instanceof Markup ? new Markup(part) : part;
  }
  if (Array.isArray(object)) return slicedItems(object, start, stop, step);
  if (object instanceof Tuple) return new Tuple(slicedItems(object.items, start, stop, step));
  if (object instanceof Undefined) object.fail();
  if (object instanceof Range) {
    const { first, end, stride } = sliceBounds(object.length(), start, stop, step);
    return object.sliced(first, end, stride);
  }
  throw typeError(
    object instanceof Dict ? "unhashable type: 'slice'" : `'${typeName(object)}' object is not subscriptable`,
  );
}

function slicedText(text: string, start: Value, stop: Value, step: Value): string {
  const simple = isSimple(text);
  const all = simple ? null : characters(text);
  const bounds = sliceBounds(all?.length ?? text.length, start, stop, step);
  if (simple && bounds.stride === 1) {
    allocateText(Math.max(0, bounds.end - bounds.first));
    return text.slice(bounds.first, bounds.end);
  }
  return picked(all ?? characters(text), bounds).join('');
}

function slicedItems(items: readonly Value[], start: Value, stop: Value, step: Value): Value[] {
  const bounds = sliceBounds(items.length, start, stop, step);
  allocateItems(Math.max(0, Math.ceil((bounds.end - bounds.first) / bounds.stride)));
  return bounds.stride === 1 ? items.slice(bounds.first, Math.max(bounds.first, bounds.end)) : picked(items, bounds);
}

function picked<T>(items: readonly T[], { first, end, stride }: Bounds): T[] {
  const result: T[] = [];
  for (let at = first; stride > 0 ? at < end : at > end; at += stride) result.push(items[at]!);
  return result;
}

interface Bounds {
  readonly first: number;
  readonly end: number;
  readonly stride: number;
}

/** As Python's `slice.indices(length)`. */
function sliceBounds(length: number, start: Value, stop: Value, step: Value): Bounds {
  const given = step === null ? 1 : sliceIndex(step);
  if (given === 0) throw new TemplateError('runtime', 'slice step cannot be zero', 'ValueError');
  const stride = Math.max(-length - 1, Math.min(length + 1, given)) || 1;
  const [low, high] = stride > 0 ? [0, length] : [-1, length - 1];
  const clamp = (value: Value, otherwise: number) => {
    if (value === null) return otherwise;
    const index = sliceIndex(value);
    return index < 0 ? Math.max(low, index + length) : Math.min(high, index);
  };
  return stride > 0
    ? { first: clamp(start, 0), end: clamp(stop, length), stride }
    : { first: clamp(start, length - 1), end: clamp(stop, -1), stride };
}

function sliceIndex(value: Value): number {
  const index = asIndex(value);
  if (index === null) throw typeError('slice indices must be integers or None or have an __index__ method');
  return index;
}
