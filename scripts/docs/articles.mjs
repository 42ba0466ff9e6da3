// SPDX-License-Identifier: Apache-2.0
// docs/articles.md: a table for each article, from articles-table.mjs.
import { articles } from './articles-table.mjs';
import { code, table } from './markdown.mjs';

export function articleTables() {
  return articles
    .map(({ title, rows }) => `## ${title}\n\n${table(['Claim', 'Here', 'Held by', 'Measured'], rows.map(cellsOf))}`)
    .join('\n\n');
}

/** A command; of a program of this repository with a link to it. */
function linked(command) {
  const [program, file] = command.split(' ');
  return program === 'node' ? `[${code(command)}](../${file})` : code(command);
}

function cellsOf({ claim, command, test, figure, missing }) {
  if (missing !== undefined) return [claim, `not here: ${missing}`, '', ''];
  return [claim, linked(command ?? ''), `[${test.split('/').at(-1)}](../${test})`, figure ?? ''];
}
