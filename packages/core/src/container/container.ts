// SPDX-License-Identifier: Apache-2.0
import 'reflect-metadata';
import { container as root, instancePerContainerCachingFactory, type DependencyContainer } from 'tsyringe';
import type { Container } from '../contracts/container.js';
import { usualProvider, type Token } from '../contracts/token.js';
import { coreErrors } from '../core-errors.js';

type Factory = (container: DependencyContainer) => unknown;

/** An empty container of its own; nothing is shared with other engines in the process. */
export const createContainer = (): Container => new TsyringeContainer(root.createChildContainer(), null);

/**
 * tsyringe behind the contract of plugins. What it adds: null is a value, cycles between factories are an error with
 * their chain instead of a stack overflow, and a child that registers a token keeps the values of its parents.
 */
class TsyringeContainer implements Container {
  private readonly own = new Map<symbol, Factory[]>();

  constructor(
    private readonly inner: DependencyContainer,
    private readonly parent: TsyringeContainer | null,
  ) {
    wrappers.set(inner, this);
  }

  register<T>(token: Token<T>, value: T): void {
    this.add(token, () => value); // tsyringe takes a null value for "no value"
  }

  registerFactory<T>(token: Token<T>, factory: (container: Container) => T): void {
    const guarded = (inner: DependencyContainer) => guardCycle(token, () => factory(wrappers.get(inner)!));
    this.add(token, instancePerContainerCachingFactory(guarded));
  }

  resolve<T>(token: Token<T>): T {
    if (!this.has(token)) {
      throw coreErrors.notProvided({ token: nameOf(token), provider: usualProvider(token) });
    }
    return this.inner.resolve(token) as T;
  }

  resolveAll<T>(token: Token<T>): T[] {
    return this.has(token) ? (this.inner.resolveAll(token) as T[]) : [];
  }

  has<T>(token: Token<T>): boolean {
    return this.inner.isRegistered(token, true);
  }

  createChild(): Container {
    return new TsyringeContainer(this.inner.createChildContainer(), this);
  }

  private add(token: symbol, factory: Factory): void {
    if (!this.own.has(token)) {
      // A registration hides those of the parents in tsyringe: take them over first, in order.
      const inherited = this.parent?.factories(token) ?? [];
      this.own.set(token, []);
      for (const earlier of inherited) this.append(token, earlier);
    }
    this.append(token, factory);
  }

  private append(token: symbol, factory: Factory): void {
    this.own.get(token)!.push(factory);
    this.inner.register(token, { useFactory: factory });
  }

  private factories(token: symbol): readonly Factory[] {
    return this.own.get(token) ?? this.parent?.factories(token) ?? [];
  }
}

const wrappers = new WeakMap<DependencyContainer, TsyringeContainer>();

/** Factories that are running now, outermost first. Factories are synchronous, so one list serves all containers. */
const resolving: symbol[] = [];

function guardCycle<T>(token: symbol, build: () => T): T {
  if (resolving.includes(token)) throw coreErrors.providerCycle({ chain: [...resolving, token].map(nameOf) });
  resolving.push(token);
  try {
    return build();
  } finally {
    resolving.pop();
  }
}

const nameOf = (token: symbol) => (token.description ?? String(token)).replace(/^llmf:/, '');
