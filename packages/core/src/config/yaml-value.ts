// SPDX-License-Identifier: Apache-2.0
import { isAlias, isMap, isScalar, isSeq, visit, type Alias, type Document, type Node } from 'yaml';
import { coreErrors } from '../core-errors.js';

/** Levels of lists and keys within each other. */
export const deepestConfig = 100;

/** What all aliases of a document may stand for together: aliases of aliases grow by their product. */
const mostAliasedNodes = 10_000;

/**
 * The plain value of a parsed document. Aliases and merges are checked first.
 * @throws LLMF_CORE_CONFIG_SYNTAX with the place of what cannot stand
 */
export function yamlValue(document: Document.Parsed, where: (offset: number) => string): unknown {
  checkDepth(document, where);
  checkAliases(document, where);
  checkMerges(document, where);
  return document.toJS({ maxAliasCount: -1 });
}

function checkDepth(document: Document.Parsed, where: (offset: number) => string): void {
  visit(document, {
    Collection(_key, node, path) {
      if (path.length > 2 * deepestConfig) throw refused(node, where, 'it is nested too deeply');
    },
  });
}

function checkAliases(document: Document.Parsed, where: (offset: number) => string): void {
  const sizes = new Map<Node, number>();
  const sizeOf = (node: Node): number => {
    const known = sizes.get(node);
    if (known !== undefined) return known;
    let size = 0;
    visit(node, { Node: () => void size++, Alias: (_key, alias) => void (size += sizeOf(sourceOf(alias))) });
    sizes.set(node, size);
    return size;
  };
  const sourceOf = (alias: Alias): Node => {
    const source = alias.resolve(document);
    if (source === undefined) {
      const name = alias.source;
      throw refused(alias, where, `nothing is named &${name} before *${name}; a text that begins with * takes quotes`);
    }
    const [start = 0, , end = 0] = source.range ?? [];
    const at = offsetOf(alias);
    if (start <= at && at < end) throw refused(alias, where, `*${alias.source} stands within what it names`);
    return source;
  };
  let total = 0;
  visit(document, {
    Alias(_key, alias) {
      total += sizeOf(sourceOf(alias));
      if (total > mostAliasedNodes) {
        throw refused(alias, where, `its aliases stand for more than ${mostAliasedNodes} values`);
      }
    },
  });
}

/** `<<` takes a mapping, or a list of mappings. */
function checkMerges(document: Document.Parsed, where: (offset: number) => string): void {
  const target = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  visit(document, {
    Pair(_key, { key, value }) {
      if (!isScalar(key) || typeof key.value !== 'symbol') return; // how the reader marks an unquoted <<
      const source = target(value);
      const parts = isSeq(source) ? source.items.map(target) : [source];
      if (!parts.every(isMap)) throw refused(key, where, '<< merges something that is not a set of keys');
    },
  });
}

const offsetOf = (node: Node): number => node.range?.[0] ?? 0;

const refused = (node: Node, where: (offset: number) => string, reason: string) =>
  coreErrors.configSyntax({ where: where(offsetOf(node)), reason });
