// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from './errors.js';

const list = (names: readonly string[]) => (names.length > 0 ? names.join(', ') : '(none)');

/** Errors of the engine, the container, plugin resolution and the config that the user can mend. */
export const coreErrors = defineErrors('core', {
  sectionAbsent: (f: { key: string; providedBy: string; known: readonly string[] }) => ({
    what: `no loaded plugin declares the config section "${f.key}"`,
    got: f.known.length > 0 ? `sections ${f.known.join(', ')}` : 'no section',
    expected: `the plugin of ${f.providedBy}`,
    fix: `add it to \`plugins\`, or run: npm install ${f.providedBy}`,
  }),
  notProvided: (f: { token: string; provider?: string | undefined }) => ({
    what: `nothing provides "${f.token}"`,
    fix: f.provider
      ? `load the plugin of ${f.provider} (npm install ${f.provider})`
      : 'load the plugin that provides it, or register a value for it in the container',
  }),
  providerCycle: (f: { chain: readonly string[] }) => ({
    what: `a factory needs its own result`,
    got: f.chain.join(' → '),
    fix: 'let one of these factories resolve its dependency later, not while it builds its value',
  }),
  pluginShape: (f: { origin: string; got: string; missing: string }) => ({
    what: 'this is not an llmf plugin',
    where: f.origin,
    got: f.got,
    expected: `a default export that is a plugin { name, apiVersion, apply(engine) } or a function that returns one; ${f.missing}`,
    fix: 'check the name, or ask the author of the package',
  }),
  apiVersion: (f: { plugin: string; wanted: unknown; have: number }) => ({
    what: `plugin "${f.plugin}" was written for another plugin API`,
    got: `apiVersion ${String(f.wanted)}`,
    expected: `apiVersion ${f.have}`,
    fix:
      Number(f.wanted) > f.have
        ? 'update llmf and @llmf/core, or install an older version of the plugin'
        : 'install a newer version of the plugin',
  }),
  pluginTwice: (f: { plugin: string }) => ({
    what: `two different plugins are named "${f.plugin}"`,
    fix: 'load only one of them',
  }),
  pluginNotFound: (f: {
    name: string;
    tried: readonly string[];
    folder: string;
    install: string;
    similar?: string | null;
  }) => ({
    what: `plugin "${f.name}" is not installed`,
    where: f.folder,
    got: `none of ${f.tried.join(', ')}`,
    expected: f.similar ? `perhaps ${f.similar}, which is installed` : undefined,
    fix: `run: ${f.install}`,
  }),
  pluginFileMissing: (f: { path: string }) => ({
    what: 'there is no plugin file at this path',
    where: f.path,
    fix: 'check the path; paths on the command line start from the current folder, those of a config from its folder',
  }),
  pluginLoad: (f: { name: string; file: string; reason: string }) => ({
    what: `plugin "${f.name}" failed while it was loaded`,
    where: f.file,
    got: f.reason,
    fix: 'mend the plugin (--debug shows where it failed)',
  }),
  twoCopies: (f: { name: string; copies: readonly string[] }) => ({
    what: `two copies of ${f.name} are loaded, which cannot work on the same tensors`,
    got: f.copies.join(' and '),
    expected: 'one copy, shared by llmf and every plugin',
    fix: `install everything in one folder with versions that accept the same ${f.name}, and run \`npm dedupe\``,
  }),
  keyTaken: (f: { key: string; by: string; plugin: string }) => ({
    what: `two plugins claim the config key "${f.key}"`,
    got: `${f.by} and ${f.plugin}`,
    fix: 'load only one of them',
  }),
  nameTaken: (f: { kind: string; name: string; first: string; second: string }) => ({
    what: `two plugins bring the ${f.kind} "${f.name}"`,
    got: `${f.first} and ${f.second}`,
    fix: 'load only one of them',
  }),
  unknownName: (f: {
    kind: string;
    name: string;
    where?: string;
    known: readonly string[];
    hint?: string | undefined;
  }) => ({
    what: `there is no ${f.kind} named "${f.name}"`,
    where: f.where,
    expected: f.known.length > 0 ? `one of ${f.known.join(', ')}` : `a ${f.kind}; no loaded plugin brings one`,
    fix: f.hint ?? `choose one of these, or load the plugin that brings it (--plugin NAME)`,
  }),
  hookOrder: (f: { hook: string; plugin: string; before: string; known: readonly string[] }) => ({
    what: `plugin "${f.plugin}" wants to run before "${f.before}" in hook ${f.hook}, which nobody of that name taps`,
    expected: `one of ${list(f.known)}`,
    fix: 'load that plugin first, or order the tap with `stage`',
  }),
  configMissing: (f: { folder: string; names: readonly string[] }) => ({
    what: 'no config found',
    where: f.folder,
    expected: f.names.join(', '),
    fix: 'write one of these files, or name it: llmf train FILE',
  }),
  configAmbiguous: (f: { folder: string; found: readonly string[] }) => ({
    what: 'several configs found',
    where: f.folder,
    got: f.found.join(', '),
    fix: `name the one to use: llmf train ${f.found[0]}`,
  }),
  configUnreadable: (f: { file: string; reason: string }) => ({
    what: 'the config cannot be read',
    where: f.file,
    got: f.reason,
    fix: 'check the path and the permissions',
  }),
  configProgram: (f: { file: string; reason: string }) => ({
    what: 'the config is a program, and running it failed',
    where: f.file,
    got: f.reason,
    fix: 'mend it; --debug shows where it failed',
  }),
  configKind: (f: { file: string }) => ({
    what: 'the config has a form that llmf does not read',
    where: f.file,
    expected: '.yaml, .yml, .json or .mjs',
    fix: 'rename or convert it',
  }),
  configSyntax: (f: { where: string; reason: string; excerpt?: string | undefined }) => ({
    what: `the config cannot be parsed: ${f.reason}`,
    where: f.where,
    got: f.excerpt,
    fix: 'mend this line',
  }),
  configShape: (f: { where: string; got: string }) => ({
    what: 'the config is not a set of keys',
    where: f.where,
    got: f.got,
    expected: 'keys with values, such as `model: { path: ./model }`',
    fix: 'see `llmf train --help` for the keys',
  }),
  override: (f: { text: string; reason: string }) => ({
    what: `this override cannot be applied: ${f.reason}`,
    where: 'command line',
    got: f.text,
    expected: 'key.path=value, such as train.learningRate=1e-5 or data.train.0.path=rows.jsonl',
    fix: 'mend the argument',
  }),
  unknownKey: (f: { key: string; where: string; known: readonly string[]; meant: string | null; hint?: string }) => ({
    what: `unknown key "${f.key}"${f.meant === null ? '' : `; did you mean "${f.meant}"?`}`,
    where: f.where,
    expected: `one of ${list(f.known)}`,
    fix:
      f.hint ?? (f.meant === null ? 'remove it, or load the plugin that reads it' : `write "${f.meant}", or remove it`),
  }),
  badValue: (f: { path: string; where: string; got: string; expected: string }) => ({
    what: `"${f.path}" has a wrong value`,
    where: f.where,
    got: f.got,
    expected: f.expected,
    fix: 'see `llmf train --help` for this key',
  }),
  missingKey: (f: { path: string; where: string; expected: string; hint?: string }) => ({
    what: `"${f.path}" is missing`,
    where: f.where,
    expected: f.expected,
    fix: f.hint ?? 'add it to the config or to the command line as key=value',
  }),
  choiceUnread: (f: {
    key: string;
    where: string;
    names: readonly string[];
    stage: string;
    readers: readonly string[];
  }) => ({
    what: `stage ${f.stage} does not read "${f.key}": it would be without effect`,
    where: f.where,
    got: f.names.join(', '),
    expected:
      f.readers.length === 0
        ? 'a stage that reads it, which no loaded plugin brings'
        : `a stage that reads it: ${f.readers.join(', ')}`,
    fix: 'remove it, or choose such a stage and load its plugin',
  }),
  configInvalid: (f: { mistakes: readonly Error[]; where: string }) => ({
    what: `the config has ${f.mistakes.length} mistakes\n${f.mistakes.map((mistake, index) => indented(index + 1, mistake.message)).join('\n')}`,
    where: f.where,
    fix: 'mend them all',
  }),
});

/** Faults in code, not in what the user wrote. */
export const coreFaults = defineErrors(
  'core',
  {
    pluginFailed: (f: { plugin: string; hook: string; reason: string }) => ({
      what: `plugin "${f.plugin}" failed in ${f.hook}: ${f.reason}`,
      fix: 'if the plugin is not one of ours, tell its author first (--debug shows where it failed)',
    }),
  },
  2,
);

const indented = (number: number, message: string) =>
  message
    .split('\n')
    .map((line, index) => (index === 0 ? `  ${number}. ${line}` : `     ${line}`))
    .join('\n');
