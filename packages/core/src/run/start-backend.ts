// SPDX-License-Identifier: Apache-2.0
import {
  BackendToken,
  PrecisionToken,
  StartedBackendToken,
  type BackendProvider,
  type Precision,
  type StartedBackend,
} from '../contracts/backend.js';
import type { Engine } from '../contracts/engine.js';
import type { Container } from '../contracts/container.js';
import type { Logger } from '../contracts/run.js';
import type { Choice } from '../config/run-config.js';
import { runErrors } from './run-errors.js';

/** The backend in use and the precision asked of it. */
export interface BackendStart {
  readonly backend: StartedBackend;
  readonly precision: Precision;
}

/**
 * Brings up the chosen backend, or for `auto` the best one that can start here; one line says why a better one cannot.
 * Registers both under StartedBackendToken and PrecisionToken.
 */
export async function startBackend(
  engine: Engine,
  container: Container,
  choice: Choice | undefined,
  logger: Logger,
): Promise<BackendStart> {
  const { precision = 'auto', ...options } = choice?.options ?? {};
  const wanted = precision as Precision | 'auto';
  const provider =
    choice === undefined || choice.name === 'auto'
      ? await bestProvider(engine.container.resolveAll(BackendToken), logger)
      : engine.find(BackendToken, choice.name);
  const backend = await provider.start(options, wanted);
  container.register(StartedBackendToken, backend);
  const chosen = choosePrecision(provider.name, backend, wanted);
  container.register(PrecisionToken, chosen);
  return { backend, precision: chosen };
}

async function bestProvider(providers: readonly BackendProvider[], logger: Logger): Promise<BackendProvider> {
  const reasons: string[] = [];
  const candidates = providers.filter(({ priority }) => priority > 0).sort((a, b) => b.priority - a.priority);
  for (const provider of candidates) {
    const reason = await provider.unavailable();
    if (reason === null) {
      for (const line of reasons) logger.warn(`using backend ${provider.name}: ${line}`);
      return provider;
    }
    reasons.push(`${provider.name} cannot start: ${reason}`);
  }
  throw runErrors.noBackend({ reasons });
}

/** `auto` is bf16 where the backend has it. */
function choosePrecision(name: string, backend: StartedBackend, wanted: Precision | 'auto'): Precision {
  if (wanted === 'auto') return backend.precisions.includes('bf16') ? 'bf16' : 'f32';
  if (backend.precisions.includes(wanted)) return wanted;
  throw runErrors.precisionUnsupported({ backend: name, precision: wanted, supported: backend.precisions });
}
