// SPDX-License-Identifier: Apache-2.0
/** What an error tells: the fact, the place, what came, what was expected, what to do. Absent parts are left out. */
export interface ErrorDetail {
  readonly what: string;
  readonly where?: string;
  readonly got?: string;
  readonly expected?: string;
  readonly fix?: string;
}

const marker = Symbol.for('llmf:error');

/** An error with a code; `status` 1 is the user's to mend, 2 is ours. Recognised across package copies by a symbol. */
export class LlmfError extends Error {
  readonly code: string;
  readonly detail: ErrorDetail;
  readonly status: 1 | 2;

  constructor(code: string, detail: ErrorDetail, status: 1 | 2 = 1, options?: ErrorOptions) {
    super(formatError(code, detail), options);
    this.name = 'LlmfError';
    this.code = code;
    this.detail = detail;
    this.status = status;
    Object.defineProperty(this, marker, { value: true });
  }

  static is(error: unknown): error is LlmfError {
    return typeof error === 'object' && error !== null && marker in error;
  }
}

function formatError(code: string, { what, where, got, expected, fix }: ErrorDetail): string {
  const lines = [`${code}: ${what}`];
  if (where !== undefined) lines.push(`  at: ${where}`);
  if (got !== undefined) lines.push(`  got: ${got}`);
  if (expected !== undefined) lines.push(`  expected: ${expected}`);
  if (fix !== undefined) lines.push(`  to do: ${fix}`);
  return lines.join('\n');
}

type Describe = (facts: never) => ErrorDetail;
type Thrower<D extends Describe> = (facts: Parameters<D>[0], options?: ErrorOptions) => LlmfError;

/**
 * A package's error catalogue: `defineErrors('data', { fileMissing: (f: { path: string }) => ({ what: … }) })` gives
 * `errors.fileMissing({ path })`, a LlmfError with code LLMF_DATA_FILE_MISSING. `status` 2 marks our own faults.
 */
export function defineErrors<C extends Record<string, Describe>>(
  packageName: string,
  catalogue: C,
  status: 1 | 2 = 1,
): { readonly [K in keyof C]: Thrower<C[K]> } {
  const entries = Object.entries(catalogue).map(([name, describe]) => {
    const code = errorCode(packageName, name);
    return [name, (facts: never, options?: ErrorOptions) => new LlmfError(code, describe(facts), status, options)];
  });
  return Object.freeze(Object.fromEntries(entries)) as { readonly [K in keyof C]: Thrower<C[K]> };
}

export function errorCode(packageName: string, name: string): string {
  const words = (text: string) =>
    text
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replaceAll('-', '_')
      .toUpperCase();
  return `LLMF_${words(packageName)}_${words(name)}`;
}
