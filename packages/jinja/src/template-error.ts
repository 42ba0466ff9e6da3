// SPDX-License-Identifier: Apache-2.0
/**
 * Why a template cannot be read or rendered. `syntax` and `unsupported` are the template's fault whatever the chat;
 * `raised` is the template's own `raise_exception`; `limit` is ours: steps, memory, depth.
 */
export type FaultKind = 'syntax' | 'unsupported' | 'undefined' | 'security' | 'raised' | 'runtime' | 'limit';

/** Names of Python's exceptions that Jinja 2 itself catches somewhere; the rest are `Error`. */
export type PythonException = 'TypeError' | 'ValueError' | 'KeyError' | 'IndexError' | 'OverflowError' | 'Error';

export class TemplateError extends Error {
  override readonly name = 'TemplateError';

  constructor(
    readonly kind: FaultKind,
    message: string,
    readonly exception: PythonException = 'Error',
    /** Line of the template, from 1; null where it is not known. */
    readonly line: number | null = null,
  ) {
    super(message);
  }
}

export const typeError = (message: string) => new TemplateError('runtime', message, 'TypeError');
export const valueError = (message: string) => new TemplateError('runtime', message, 'ValueError');
export const overflowError = (message: string) => new TemplateError('runtime', message, 'OverflowError');
export const unsupported = (message: string) => new TemplateError('unsupported', message);
