// SPDX-License-Identifier: Apache-2.0
// Names that come from the user or from the network become parts of paths; only those pass that cannot leave a folder.

/** `owner/name` or `owner/name@revision`. */
export interface HubId {
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

const part = /^[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;

/** null for what is no id; the rule is huggingface_hub's (utils/_validators.py), with a namespace asked for. */
export function parseHubId(text: string): HubId | null {
  const [, id = '', revision = 'main'] = /^([^@]*)(?:@(.*))?$/s.exec(text)!;
  const parts = id.split('/');
  const isId = parts.length === 2 && parts.every((each) => part.test(each)) && !/--|\.\.|\.git$/.test(id);
  return isId && isRevision(revision) ? { id, revision } : null;
}

/** What git allows in a name, less what a path could misread: segments of letters, digits, `.`, `-`, `_`, `+`. */
export function isRevision(revision: string): boolean {
  const segments = revision.split('/');
  return revision.length <= 200 && segments.every((each) => /^[\w+][\w.+-]*$/.test(each) && !/\.\.|\.lock$/.test(each));
}

export const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

/** Hash of a plain file's blob in git (SHA-1) or of a large file (SHA-256). */
export const isContentHash = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

const reservedOnWindows = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Whether a file's name is one plain name, on every system. */
export const isPlainName = (name: string): boolean =>
  /^[\w+@=,(){}[\]!~#$%&' .-]{1,200}$/.test(name) && !/^\.{1,2}$|[ .]$/.test(name) && !reservedOnWindows.test(name);

/** The folder of a model in the cache, as huggingface_hub names it. */
export const cacheFolderOf = ({ id }: HubId): string => `models--${id.replace('/', '--')}`;

export const hubIdText = ({ id, revision }: HubId): string => (revision === 'main' ? id : `${id}@${revision}`);
