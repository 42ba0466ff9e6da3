// SPDX-License-Identifier: Apache-2.0
import type { Token } from './token.js';

/**
 * Dependency injection as plugins see it. Values or factories under typed tokens; a run gets a child container.
 * Registering a token twice keeps both: `resolve` gives the last, `resolveAll` all in order.
 */
export interface Container {
  register<T>(token: Token<T>, value: T): void;
  /** The factory runs once per container that resolves it. */
  registerFactory<T>(token: Token<T>, factory: (container: Container) => T): void;
  /** @throws LLMF_CORE_NOT_PROVIDED naming the token and the package that usually provides it. */
  resolve<T>(token: Token<T>): T;
  resolveAll<T>(token: Token<T>): T[];
  has<T>(token: Token<T>): boolean;
  createChild(): Container;
}
