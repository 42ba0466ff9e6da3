// SPDX-License-Identifier: Apache-2.0
// The tables of docs/coming-from.md as data for the command, which answers a pasted config of another tool with them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './packages.mjs';

/** Where the tables are kept as source. */
export const migrationTables = 'packages/cli/src/coming-from/tables.generated.ts';

/** Source of the tables, written from the page. */
export function migrationSource() {
  const page = readFileSync(join(repository, 'docs', 'coming-from.md'), 'utf8');
  const tools = page
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const rows = rowsOf(section);
      return rows.length === 0 ? [] : [{ tool: section.slice(0, section.indexOf('\n')), rows }];
    });
  const text = tools.map(({ tool, rows }) => {
    const lines = rows.map((row) => `      ${JSON.stringify(row)},\n`).join('');
    return `  {\n    tool: ${JSON.stringify(tool)},\n    rows: [\n${lines}    ],\n  },\n`;
  });
  return `// SPDX-License-Identifier: Apache-2.0
// Written from docs/coming-from.md by scripts/write-docs.mjs; change the page.
import type { MigrationTable } from './migration-table.js';

export const migrationTables: readonly MigrationTable[] = [
${text.join('')}];
`;
}

/** Rows of a section's tables that begin with the column "There". */
function rowsOf(section) {
  const rows = [];
  let isTable = false;
  for (const line of section.split('\n')) {
    if (!line.startsWith('|')) isTable = false;
    else if (/^\| There\b/.test(line)) isTable = true;
    else if (isTable && !line.startsWith('| -')) rows.push(cells(line));
  }
  return rows;
}

const cells = (line) =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
