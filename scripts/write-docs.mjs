// SPDX-License-Identifier: Apache-2.0
// Writes the generated parts of docs/*.md from the built packages: `node scripts/write-docs.mjs`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { filled } from './docs/markdown.mjs';
import { migrationSource, migrationTables } from './docs/migration-tables.mjs';
import { engineWithAll, repository } from './docs/packages.mjs';
import { generatedText } from './docs/pages.mjs';

const built = (file) => file.replace(/([/\\])src\1/, '$1dist$1').replace(/\.ts$/, '.js');
const importFile = (file) => import(pathToFileURL(built(file)).href);
const engine = await engineWithAll(importFile);
const pages = await generatedText(engine, importFile);
await engine.close();

for (const [name, parts] of Object.entries(pages)) {
  const file = join(repository, 'docs', name);
  const page = readFileSync(file, 'utf8');
  const text = Object.entries(parts).reduce((result, [part, content]) => filled(result, part, content), page);
  if (text === page) continue;
  writeFileSync(file, text);
  console.log(`wrote docs/${name}`);
}

const tables = join(repository, migrationTables);
writeFileSync(tables, migrationSource());
