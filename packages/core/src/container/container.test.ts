// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { token } from '../contracts/token.js';
import { createContainer } from './container.js';

const Text = token<string>('test-text');
const Size = token<number>('test-size');
const Maybe = token<string | null>('test-maybe');

describe('the container', () => {
  it('resolves the last value and keeps all in order', () => {
    const container = createContainer();
    container.register(Text, 'first');
    container.register(Text, 'second');
    expect(container.resolve(Text)).toBe('second');
    expect(container.resolveAll(Text)).toEqual(['first', 'second']);
  });

  it('takes null for a value', () => {
    const container = createContainer();
    container.register(Maybe, null);
    expect(container.has(Maybe)).toBe(true);
    expect(container.resolve(Maybe)).toBeNull();
  });

  it('runs a factory once per container that resolves it', () => {
    const container = createContainer();
    container.registerFactory(Text, (inner) => `size ${inner.resolve(Size)}`);
    const [one, two] = [container.createChild(), container.createChild()];
    one.register(Size, 1);
    two.register(Size, 2);
    expect([one.resolve(Text), two.resolve(Text)]).toEqual(['size 1', 'size 2']);

    let calls = 0;
    container.registerFactory(Size, () => ++calls);
    expect([container.resolve(Size), container.resolve(Size)]).toEqual([1, 1]);
  });

  it('lets a child add to the values of its parents without changing them', () => {
    const parent = createContainer();
    parent.register(Text, 'parent');
    const child = parent.createChild();
    child.register(Text, 'child');
    expect(child.resolveAll(Text)).toEqual(['parent', 'child']);
    expect(parent.resolveAll(Text)).toEqual(['parent']);
  });

  it('shares nothing between two engines', () => {
    createContainer().register(Text, 'here');
    expect(createContainer().has(Text)).toBe(false);
    expect(createContainer().resolveAll(Text)).toEqual([]);
  });

  it('names the token and the package that usually provides it when nothing does', () => {
    const Known = token<string>('test-known', '@llmf/somewhere');
    expect(() => createContainer().resolve(Known)).toThrow(
      /LLMF_CORE_NOT_PROVIDED: nothing provides "test-known"\n.*npm install @llmf\/somewhere/,
    );
    expect(() => createContainer().resolve(Text)).toThrow(/LLMF_CORE_NOT_PROVIDED: nothing provides "test-text"/);
  });

  it('names the chain when factories need each other, and still works afterwards', () => {
    const container = createContainer();
    container.registerFactory(Text, (inner) => String(inner.resolve(Size)));
    container.registerFactory(Size, (inner) => inner.resolve(Text).length);
    expect(() => container.resolve(Text)).toThrow(/LLMF_CORE_PROVIDER_CYCLE.*\n.*test-text → test-size → test-text/);
    container.register(Size, 3);
    expect(container.resolve(Text)).toBe('3');
  });
});
