// SPDX-License-Identifier: Apache-2.0
import type {
  AssignBlock,
  Block,
  CallBlock,
  FilterBlock,
  For,
  If,
  MacroBody,
  Statement,
  Target,
} from '../syntax/nodes.js';
import { TemplateError, typeError, unsupported, valueError } from '../template-error.js';
import { textOf } from '../values/equality.js';
import { Dict } from '../values/dict.js';
import { Iteration, itemsOf } from '../values/iterate.js';
import { str } from '../values/repr.js';
import { isTrue } from '../values/truth.js';
import { typeName } from '../values/type-name.js';
import { Undefined } from '../values/undefined.js';
import type { Value } from '../values/value.js';
import { allocateValues, nested, spend } from './budget.js';
import { applyFilter, call, evaluate, evaluateArguments } from './evaluator.js';
import { LoopContext } from './loop-context.js';
import { MacroFunction, type MacroArguments } from './macro.js';
import { Namespace } from './namespace.js';
import { outputValue } from './output-value.js';
import { Output } from './output.js';
import { Variables, type Context } from './variables.js';

/** How a list of statements ended. */
type End = 'done' | 'break' | 'continue';

/** Where the assistant's text stands in what was rendered. */
export type Span = readonly [start: number, end: number];

/** Runs the statements of one template for one chat. */
export class Executor {
  /** What `{% generation %}` blocks wrote. */
  readonly generated: Span[] = [];
  readonly output = new Output();
  /** What each turn of a loop over dicts wrote into the output, for who wants to know where a message stands. */
  readonly written: { readonly item: Value; readonly span: Span }[] = [];
  /** What the template set at its top: blocks see it. */
  readonly #exported = new Map<string, Value>();
  readonly #context: Context;

  constructor(private readonly given: (name: string) => Value | undefined) {
    this.#context = { resolve: (name) => (this.#exported.has(name) ? this.#exported.get(name) : given(name)) };
  }

  run(body: readonly Statement[], scope: { readonly startUndefined: readonly string[] }): void {
    this.#statements(body, new Variables(null, this.#context, scope), this.output);
  }

  #statements(body: readonly Statement[], variables: Variables, output: Output): End {
    for (const statement of body) {
      const end = this.#statement(statement, variables, output);
      if (end !== 'done') return end;
    }
    return 'done';
  }

  #statement(statement: Statement, variables: Variables, output: Output): End {
    spend(1);
    try {
      return this.#execute(statement, variables, output);
    } catch (error) {
      if (error instanceof TemplateError && error.line === null)
        throw new TemplateError(error.kind, error.message, error.exception, statement.line);
      throw error;
    }
  }

  #execute(statement: Statement, variables: Variables, output: Output): End {
    switch (statement.kind) {
      case 'output':
        for (const part of statement.parts) {
          output.write(typeof part === 'string' ? part : str(outputValue(part, variables)));
        }
        return 'done';
      case 'if':
        return this.#if(statement, variables, output);
      case 'for':
        return this.#for(statement, variables, output);
      case 'assign':
        this.#assign(statement.target, () => evaluate(statement.value, variables), variables);
        return 'done';
      case 'assign-block':
        return this.#assignBlock(statement, variables);
      case 'macro':
        this.#set(statement.name, this.#macro(statement, statement.name, variables), variables);
        return 'done';
      case 'call-block':
        output.write(this.#callBlock(statement, variables));
        return 'done';
      case 'filter-block':
        return this.#filterBlock(statement, variables, output);
      case 'with': {
        const inner = variables.inner(statement.scope!);
        statement.targets.forEach((target, at) => {
          this.#assign(target, () => evaluate(statement.values[at]!, variables), inner);
        });
        return this.#statements(statement.body, inner, output);
      }
      case 'generation':
        return this.#generation(statement.body, variables.inner(statement.scope!), output);
      case 'autoescape':
        if (isTrue(evaluate(statement.isOn, variables)))
          throw unsupported('autoescape is for HTML; chat templates are written without it');
        return this.#statements(statement.body, variables.inner(statement.scope!), output);
      case 'block':
        this.#block(statement, variables, output);
        return 'done';
      case 'load':
        throw typeError(`no loader for this environment specified: ${statement.tag} has nothing to load from`);
      default:
        return statement.kind;
    }
  }

  #if({ branches, else: otherwise }: If, variables: Variables, output: Output): End {
    for (const { test, body } of branches) {
      if (isTrue(evaluate(test, variables))) return this.#statements(body, variables, output);
    }
    return this.#statements(otherwise, variables, output);
  }

  #for(node: For, variables: Variables, output: Output): End {
    const iterable = evaluate(node.iterable, variables);
    if (!node.isRecursive) return this.#loop(node, iterable, variables, output, null, 0);
    const recurse = (items: Value, depth: number): string =>
      nested(() => {
        const captured = new Output();
        this.#loop(node, items, variables, captured, recurse, depth);
        return captured.text;
      });
    output.write(recurse(iterable, 0));
    return 'done';
  }

  #loop(
    node: For,
    iterable: Value,
    variables: Variables,
    output: Output,
    recurse: ((items: Value, depth: number) => Value) | null,
    depth: number,
  ): End {
    const filtered = node.test === null ? iterable : new Iteration(this.#filtered(node, iterable, variables));
    const loop = new LoopContext(filtered, recurse, depth);
    // As in Jinja 2, only a turn that comes to its end keeps the else branch from being written.
    let isElse = true;
    for (let item = loop.next(); item !== undefined; item = loop.next()) {
      spend(1);
      const inner = variables.inner(node.scope!);
      inner.set('loop', loop);
      this.#unpack(node.target, item, inner);
      const start = output.length;
      const end = this.#statements(node.body, inner, output);
      if (output === this.output && item instanceof Dict && output.length > start) {
        allocateValues(2);
        this.written.push({ item, span: [start, output.length] });
      }
      if (end === 'break') break;
      if (end === 'done') isElse = false;
    }
    return isElse ? this.#statements(node.else, variables.inner(node.elseScope!), output) : 'done';
  }

  *#filtered(node: For, iterable: Value, variables: Variables): Generator<Value, void, undefined> {
    for (const item of itemsOf(iterable)) {
      const inner = variables.inner({ startUndefined: [] });
      this.#unpack(node.target, item, inner);
      if (isTrue(evaluate(node.test!, inner))) yield item;
    }
  }

  /** Sets the names of a target. Namespaces are looked up before the value is computed, as Jinja 2 does. */
  #assign(target: Target, value: () => Value, variables: Variables): void {
    checkNamespaces(target, variables);
    this.#store(target, value(), variables);
  }

  #store(target: Target, value: Value, variables: Variables): void {
    if (target.kind === 'name') this.#set(target.name, value, variables);
    else if (target.kind === 'attribute') (variables.get(target.namespace) as Namespace).set(target.attribute, value);
    else {
      const items = unpacked(value, target.items.length);
      target.items.forEach((item, at) => this.#store(item, items[at]!, variables));
    }
  }

  /** The same for the variables of a loop, which nobody outside it sees. */
  #unpack(target: Target, value: Value, variables: Variables): void {
    if (target.kind === 'name') variables.set(target.name, value);
    else this.#store(target, value, variables);
  }

  #set(name: string, value: Value, variables: Variables): void {
    variables.set(name, value);
    if (variables.outer === null) this.#exported.set(name, value);
  }

  #assignBlock({ target, filter, body, scope }: AssignBlock, variables: Variables): End {
    const inner = variables.inner(scope!);
    const captured = new Output();
    const end = this.#statements(body, inner, captured);
    if (end !== 'done') return end;
    const value = filter === null ? captured.text : this.#filterText(filter, captured.text, inner);
    this.#assign(target, () => value, variables);
    return 'done';
  }

  #filterBlock({ filter, body, scope }: FilterBlock, variables: Variables, output: Output): End {
    const inner = variables.inner(scope!);
    const captured = new Output();
    const end = this.#statements(body, inner, captured);
    if (end === 'done') output.write(writtenText(this.#filterText(filter, captured.text, inner)));
    return end;
  }

  /** A chain of filters on a block's text: the innermost has no input of its own. */
  #filterText(filter: FilterBlock['filter'], text: string, variables: Variables): Value {
    const input = filter.input === null ? text : this.#filterText(filter.input as typeof filter, text, variables);
    return applyFilter(filter, input, variables);
  }

  #macro(macro: MacroBody, name: string | null, variables: Variables): MacroFunction {
    return new MacroFunction(macro, name, (given) => nested(() => this.#runMacro(macro, given, variables)));
  }

  #runMacro({ parameters, defaults, body, scope }: MacroBody, given: MacroArguments, outer: Variables): string {
    const inner = outer.inner(scope!);
    for (const name of parameters) inner.declare(name);
    parameters.forEach((name, at) => {
      const value = given.parameters[at];
      if (value !== undefined) inner.set(name, value);
    });
    for (const [name, value] of given.special) inner.set(name, value);
    parameters.forEach((name, at) => {
      if (given.parameters[at] !== undefined) return;
      const missing = defaults[at - parameters.length + defaults.length];
      const value =
        missing === undefined ? new Undefined(`parameter '${name}' was not provided`) : evaluate(missing, inner);
      inner.set(name, value);
    });
    const captured = new Output();
    this.#statements(body, inner, captured);
    return captured.text;
  }

  #callBlock(node: CallBlock, variables: Variables): string {
    const caller = this.#macro(node, null, variables);
    const callee = evaluate(node.call.callee, variables);
    const { positional, named } = evaluateArguments(node.call, variables);
    if (named.has('caller')) throw typeError("got multiple values for keyword argument 'caller'");
    return writtenText(call(callee, positional, new Map([...named, ['caller', caller]])));
  }

  /** As Transformers counts: from where the template's own output stands when the block is written. */
  #generation(body: readonly Statement[], variables: Variables, output: Output): End {
    const captured = new Output();
    const start = this.output.length;
    nested(() => this.#statements(body, variables, captured));
    allocateValues(1);
    this.generated.push([start, start + captured.length]);
    output.write(captured.text);
    return 'done';
  }

  /** A block sees the chat's values and what was set at the top; a scoped one also the variables around it. */
  #block({ name, isScoped, isRequired, body, scope }: Block, variables: Variables, output: Output): void {
    if (isRequired) throw new TemplateError('runtime', `Required block '${name}' not found`);
    const visible = isScoped ? variables.visible() : null;
    const context: Context = {
      resolve: (key) => (visible?.has(key) === true ? visible.get(key) : this.#context.resolve(key)),
    };
    // Names that a block sets are its own: it is no part of the template's top.
    const top = new Variables(null, context, { startUndefined: [] });
    this.#statements(body, top.inner(scope!), output);
  }
}

/** What a call or filter block gives is written as it is, so that it must be a text. */
function writtenText(value: Value): string {
  const text = textOf(value);
  if (text === null) throw typeError(`sequence item: expected str instance, ${typeName(value)} found`);
  return text;
}

function checkNamespaces(target: Target, variables: Variables): void {
  if (target.kind === 'tuple') return target.items.forEach((item) => checkNamespaces(item, variables));
  if (target.kind === 'attribute' && !(variables.find(target.namespace) instanceof Namespace))
    throw new TemplateError('runtime', 'cannot assign attribute on non-namespace object');
}

function unpacked(value: Value, count: number): Value[] {
  const items: Value[] = [];
  let iterator: Generator<Value, void, undefined>;
  try {
    iterator = itemsOf(value);
    for (const item of iterator) {
      if (items.length === count) throw valueError(`too many values to unpack (expected ${count})`);
      items.push(item);
    }
  } catch (error) {
    if (error instanceof TemplateError && error.exception === 'TypeError')
      throw typeError(`cannot unpack non-iterable ${typeName(value)} object`);
    throw error;
  }
  if (items.length < count) throw valueError(`not enough values to unpack (expected ${count}, got ${items.length})`);
  return items;
}
