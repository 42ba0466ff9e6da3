// SPDX-License-Identifier: Apache-2.0
import { allocateText } from '../runtime/budget.js';
import { reprText, str } from './repr.js';
import { PythonObject, type Value } from './value.js';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

/** A string that `safe` or `escape` marked: what is added to it is escaped for HTML, as MarkupSafe does. */
export class Markup extends PythonObject {
  readonly typeName = 'Markup';

  constructor(readonly text: string) {
    super();
  }

  override key(): string {
    return this.text;
  }

  override length(): number {
    return this.text.length;
  }

  override repr(): string {
    return `Markup(${reprText(this.text)})`;
  }

  override str(): string {
    return this.text;
  }
}

/** Escaped for HTML, unless it is so already. */
export function escapeHtml(value: Value): string {
  if (value instanceof Markup) return value.text;
  const text = str(value);
  const escaped = text.replace(/[&<>"']/g, (character) => entities[character]!);
  allocateText(escaped.length);
  return escaped;
}
