// SPDX-License-Identifier: Apache-2.0

/** What a JSON text holds beyond its values. */
export interface JsonOutline {
  /** The keys of the outermost object, in order, repeated ones too (JSON.parse keeps only the last). */
  readonly keys: readonly string[];
  /** How deep objects and lists stand in each other. */
  readonly depth: number;
}

/** Reads a valid JSON text once from its beginning to its end, whatever the length of its texts. */
export function jsonOutline(text: string): JsonOutline {
  const keys: string[] = [];
  const marks = /["{}[\]:]/g;
  let depth = 0;
  let deepest = 0;
  let lastText = '';
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    const [mark] = found;
    if (mark === '"') {
      marks.lastIndex = endOfText(text, found.index);
      if (depth === 1) lastText = text.slice(found.index, marks.lastIndex);
    } else if (mark === '{' || mark === '[') deepest = Math.max(deepest, ++depth);
    else if (mark !== ':') depth--;
    else if (depth === 1) keys.push(JSON.parse(lastText) as string);
  }
  return { keys, depth: deepest };
}

/** The place after the closing quote. */
function endOfText(text: string, start: number): number {
  const marks = /["\\]/g;
  marks.lastIndex = start + 1;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    if (found[0] === '"') return found.index + 1;
    marks.lastIndex = found.index + 2;
  }
  return text.length;
}
