// SPDX-License-Identifier: Apache-2.0
// The hooks in firing order, from the objects that fire them and the comments of their contract.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, table } from './markdown.mjs';
import { repository } from './packages.mjs';

/** @param hooks names in firing order @param file of the contract that declares them, from packages/ on */
export function hookTable(hooks, file) {
  const contract = readFileSync(join(repository, 'packages', file), 'utf8');
  return table(
    ['Hook', 'Kind', 'Given', 'What happens'],
    hooks.map((name) => {
      const declared = new RegExp(
        `/\\*\\* ([^\\n]*(?:\\n[^/]*)*?) \\*/\\n  readonly ${name}: (\\w+)<\\[([^\\n]*)\\](?:, [^\\n]*)?>;`,
      ).exec(contract);
      if (declared === null) throw new Error(`${file} declares no hook ${name}`);
      const [, comment, kind, given] = declared;
      const [, act, meaning] =
        /^(Act|Transform|Decide)(?:, in reverse order of tapping)?:? ([^]*)$/.exec(comment) ?? [];
      if (act === undefined) throw new Error(`${name}: its comment does not say what kind it is`);
      const order = comment.includes('in reverse order') ? ' In reverse order of tapping.' : '';
      const wait = kind.startsWith('Async') ? 'may wait' : 'at once';
      return [
        code(name),
        `${act.toLowerCase()}, ${wait}`,
        code(given),
        `${meaning[0].toUpperCase()}${meaning.slice(1)}${order}`,
      ];
    }),
  );
}
