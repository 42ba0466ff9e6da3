// SPDX-License-Identifier: Apache-2.0
/** The part of MLflow's REST interface (2.0) that a run needs: https://mlflow.org/docs/latest/rest-api.html */

export interface MlflowServer {
  readonly url: string;
  readonly timeoutMs: number;
  /** `Authorization` header; null: none. */
  readonly authorization: string | null;
}

/** A server that answered with an error, by MLflow's name of it, or (`UNREACHABLE`) did not answer. */
export class MlflowError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** @throws MlflowError */
export async function request<T>(
  { url, timeoutMs, authorization }: MlflowServer,
  method: 'GET' | 'POST',
  path: string,
  values: Readonly<Record<string, unknown>>,
): Promise<T> {
  const address = new URL(`${url.replace(/\/$/, '')}/api/2.0/mlflow/${path}`);
  if (method === 'GET') {
    for (const [name, value] of Object.entries(values)) address.searchParams.set(name, String(value));
  }
  const response = await fetch(address, {
    method,
    headers: { 'content-type': 'application/json', ...(authorization === null ? {} : { authorization }) },
    ...(method === 'POST' ? { body: JSON.stringify(values) } : {}),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: Error & { cause?: Error }) => {
    throw new MlflowError('UNREACHABLE', `no answer from ${address.host} (${error.cause?.message ?? error.message})`);
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  const { error_code: code = String(response.status), message = text.slice(0, 200) } = parsed(text);
  throw new MlflowError(code, `${address.host} answered ${response.status} to ${path}: ${message}`);
}

function parsed(text: string): { error_code?: string; message?: string } {
  try {
    return JSON.parse(text) as { error_code?: string; message?: string };
  } catch {
    return {};
  }
}
