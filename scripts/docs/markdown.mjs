// SPDX-License-Identifier: Apache-2.0
// Tables as the formatter leaves them, and the generated parts of a page.

/** A table whose columns are as wide as their widest cell. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => [...row[column]].length)));
  const line = (row) =>
    `| ${row.map((cell, column) => cell + ' '.repeat(widths[column] - [...cell].length)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}

export const code = (text) => (text === '' ? '' : `\`${text}\``);

const marks = (name) => [`<!-- generated: ${name} -->`, '<!-- end of generated -->'];

/** The page with the generated part of that name replaced. */
export function filled(page, name, text) {
  const [open, close] = marks(name);
  const start = page.indexOf(open);
  const end = page.indexOf(close, start);
  if (start === -1 || end === -1) throw new Error(`the page has no part "${name}"`);
  return `${page.slice(0, start + open.length)}\n\n${text}\n\n${page.slice(end)}`;
}

/** Names of the generated parts of a page. */
export const generatedParts = (page) => [...page.matchAll(/<!-- generated: ([\w-]+) -->/g)].map(([, name]) => name);
