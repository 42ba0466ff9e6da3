// SPDX-License-Identifier: Apache-2.0
// docs/articles.md: a table for each article, from articles-table.mjs.
import { articles } from './articles-table.mjs';
import { code, table } from './markdown.mjs';

export function articleTables() {
  return articles
    .map(({ title, rows }) => `## ${title}\n\n${table(['Claim', 'Here', 'Held by', 'Measured'], rows.map(cellsOf))}`)
    .join('\n\n');
}

function cellsOf({ claim, command, test, figure, missing }) {
  if (missing !== undefined) return [claim, `not here: ${missing}`, '', ''];
  return [claim, code(command ?? ''), `[${test.split('/').at(-1)}](../${test})`, figure ?? ''];
}
