// SPDX-License-Identifier: Apache-2.0

/** The keys of the outermost object of a valid JSON text, in order, repeated ones too (JSON.parse keeps only the last). */
export function jsonKeys(text: string): string[] {
  const keys: string[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;
  let depth = 0;
  let lastText = '';
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (token !== ':') lastText = token;
    else if (depth === 1) keys.push(JSON.parse(lastText) as string);
  }
  return keys;
}
