// SPDX-License-Identifier: Apache-2.0
/**
 * The names of one scope. Jinja 2 makes variables of Python functions of them, so a name that is set somewhere in a
 * scope, before it is read there, belongs to that scope from its beginning: read too early it is undefined, even
 * where the chat has a value of that name.
 */
export interface Scope {
  /** Names that are undefined until they are set, whatever outer scopes hold. */
  readonly startUndefined: readonly string[];
}
