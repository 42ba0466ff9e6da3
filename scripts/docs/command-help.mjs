// SPDX-License-Identifier: Apache-2.0
// What every command says of itself.
import { join } from 'node:path';
import { repository } from './packages.mjs';

/** The help of each command as Markdown. @param importFile imports a source file of a package */
export async function commandHelp(importFile) {
  const { runCli } = await importFile(join(repository, 'packages', 'cli', 'src', 'run-cli.ts'));
  const sections = [];
  for (const name of await commandNames(runCli)) {
    const text = (await helpOf(runCli, [name, '--help'])).split('\nKeys of the config')[0].trimEnd();
    sections.push(`## \`llmf ${name}\`\n\n\`\`\`text\n${text}\n\`\`\``);
  }
  return sections.join('\n\n');
}

/** In the order of `llmf --help`. */
export async function commandNames(runCli) {
  const list = (await helpOf(runCli, ['--help'])).split('\nCommands:\n')[1];
  return [...list.matchAll(/^ {2}([\w-]+) /gm)].map(([, name]) => name).filter((name) => name !== 'help');
}

async function helpOf(runCli, argv) {
  let text = '';
  const output = { write: (part) => (text += part), isTerminal: false, columns: 100 };
  const status = await runCli(argv, { folder: repository, out: output, err: output, onInterrupt: () => () => {} });
  if (status !== 0) throw new Error(`llmf ${argv.join(' ')} ended with ${status}: ${text}`);
  return text;
}
