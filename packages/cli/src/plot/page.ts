// SPDX-License-Identifier: Apache-2.0
import { escaped } from './escaped.js';

const style = `
body { font: 16px/1.5 system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .9rem .25rem 0; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } tr { border-bottom: 1px solid #e3e3e3 }
svg { max-width: 100%; height: auto } pre { background: #f6f6f6; padding: 1rem; overflow: auto }
summary { cursor: pointer; margin: .5rem 0 } .kind { color: #666; font-weight: normal }`;

/** A page that loads nothing from elsewhere. @param title plain text @param parts of its body, HTML */
export function page(title: string, parts: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title><style>${style}</style></head><body>`,
    `<h1>${escaped(title)}</h1>`,
    ...parts,
    '</body></html>\n',
  ].join('\n');
}

/** The first column is text, the others are numbers; both may hold HTML. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, texts: readonly string[]) =>
    texts.map((text, column) => `<${tag}${column > 0 ? ' class="number"' : ''}>${text}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  return `<table><thead><tr>${cells('th', heads)}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}
