// SPDX-License-Identifier: Apache-2.0
import { parseInteger } from '../values/parse-number.js';
import type {
  Arguments,
  BinaryOperator,
  Call,
  Comparison,
  Conditional,
  Expression,
  Filter,
  GetAttribute,
  GetItem,
} from './nodes.js';
import type { TokenStream } from './token-stream.js';
import { describeToken, type TokenType } from './tokens.js';

const comparisons: readonly string[] = ['eq', 'ne', 'lt', 'lteq', 'gt', 'gteq'] satisfies Comparison[];
const startsArgument: readonly TokenType[] = ['name', 'string', 'integer', 'float', 'lparen', 'lbracket', 'lbrace'];
/** Python refuses deeper nesting too when it compiles what Jinja 2 writes. */
const deepest = 90;

/** Expressions by precedence, the weakest first, as Jinja 2's parser has them. */
export class ExpressionParser {
  #depth = 0;

  constructor(private readonly stream: TokenStream) {}

  expression(): Expression {
    if (++this.#depth > deepest) this.stream.fail('the expression is nested too deeply');
    const expression = this.#conditional();
    this.#depth--;
    return expression;
  }

  /** An expression, or several with commas between them. */
  tuple(end: () => boolean = () => false, item: () => Expression = () => this.expression()): Expression {
    const line = this.stream.current.line;
    const items = this.tupleItems(end, item);
    if (items.length === 0) this.stream.fail(`Expected an expression, got '${describeToken(this.stream.current)}'`);
    return items.isTuple ? { kind: 'tuple', items, line } : items[0]!;
  }

  tupleItems<T>(end: () => boolean, item: () => T): T[] & { isTuple: boolean } {
    const items = Object.assign([] as T[], { isTuple: false });
    const isEnd = () =>
      this.stream.is('variable_end') || this.stream.is('block_end') || this.stream.is('rparen') || end();
    for (;;) {
      if (items.length > 0) this.stream.expect('comma');
      if (isEnd()) return items;
      items.push(item());
      if (!this.stream.is('comma')) return items;
      items.isTuple = true;
    }
  }

  /** Without a conditional: `for x in a if b` must not read the `if` as its own. */
  or(): Expression {
    return this.#leftToRight(
      () => this.#and(),
      () => this.stream.skipIf('name', 'or'),
      'or',
    );
  }

  #and(): Expression {
    return this.#leftToRight(
      () => this.#not(),
      () => this.stream.skipIf('name', 'and'),
      'and',
    );
  }

  #leftToRight(operand: () => Expression, isNext: () => boolean, kind: 'and' | 'or'): Expression {
    let { line } = this.stream.current;
    let left = operand();
    while (isNext()) {
      left = { kind, left, right: operand(), line };
      ({ line } = this.stream.current);
    }
    return left;
  }

  #conditional(): Expression {
    let { line } = this.stream.current;
    let expression = this.or();
    while (this.stream.skipIf('name', 'if')) {
      const test = this.or();
      const otherwise = this.stream.skipIf('name', 'else') ? this.expression() : null;
      expression = { kind: 'conditional', test, value: expression, else: otherwise, line } satisfies Conditional;
      ({ line } = this.stream.current);
    }
    return expression;
  }

  #not(): Expression {
    if (!this.stream.is('name', 'not')) return this.#compare();
    const { line } = this.stream.next();
    return { kind: 'not', operand: this.#deeper(() => this.#not()), line };
  }

  #compare(): Expression {
    const { line } = this.stream.current;
    const first = this.#sum();
    const rest: (readonly [Comparison, Expression])[] = [];
    for (let sign = this.#comparison(); sign !== null; sign = this.#comparison()) rest.push([sign, this.#sum()]);
    return rest.length === 0 ? first : { kind: 'compare', first, rest, line };
  }

  #comparison(): Comparison | null {
    const { type } = this.stream.current;
    if (comparisons.includes(type)) return this.stream.next().type as Comparison;
    if (this.stream.skipIf('name', 'in')) return 'in';
    const { following } = this.stream;
    if (!this.stream.is('name', 'not') || following.type !== 'name' || following.value !== 'in') return null;
    this.stream.next();
    this.stream.next();
    return 'notin';
  }

  #sum(): Expression {
    return this.#binary(() => this.#concat(), ['add', 'sub']);
  }

  #concat(): Expression {
    const { line } = this.stream.current;
    const parts = [this.#product()];
    while (this.stream.skipIf('tilde')) parts.push(this.#product());
    return parts.length === 1 ? parts[0]! : { kind: 'concat', parts, line };
  }

  #product(): Expression {
    return this.#binary(() => this.#power(), ['mul', 'div', 'floordiv', 'mod']);
  }

  /** Jinja 2 reads powers from the left, unlike Python. */
  #power(): Expression {
    return this.#binary(() => this.#unary(true), ['pow']);
  }

  #binary(operand: () => Expression, operators: readonly BinaryOperator[]): Expression {
    let { line } = this.stream.current;
    let left = operand();
    while ((operators as readonly string[]).includes(this.stream.current.type)) {
      const operator = this.stream.next().type as BinaryOperator;
      left = { kind: 'binary', operator, left, right: operand(), line };
      ({ line } = this.stream.current);
    }
    return left;
  }

  #unary(withFilter: boolean): Expression {
    const { type, line } = this.stream.current;
    let node: Expression;
    if (type === 'sub' || type === 'add') {
      this.stream.next();
      const operand = this.#deeper(() => this.#unary(false));
      node = { kind: 'unary', operator: type === 'sub' ? 'neg' : 'pos', operand, line };
    } else node = this.primary();
    node = this.#postfix(node);
    return withFilter ? this.#filters(node) : node;
  }

  #deeper(parse: () => Expression): Expression {
    if (++this.#depth > deepest) this.stream.fail('the expression is nested too deeply');
    const node = parse();
    this.#depth--;
    return node;
  }

  primary(): Expression {
    const { type, value, line } = this.stream.current;
    if (type === 'lbracket') return this.#list();
    if (type === 'lbrace') return this.#dict();
    if (type === 'lparen') return this.#parentheses();
    if (type === 'string') return this.#strings();
    if (!['name', 'integer', 'float'].includes(type))
      this.stream.fail(`unexpected '${describeToken(this.stream.current)}'`);
    this.stream.next();
    if (type === 'integer') return { kind: 'constant', value: parseInteger(value, 0)!, line };
    if (type === 'float') return { kind: 'constant', value: Number(value), line };
    if (/^([Tt]rue|[Ff]alse)$/.test(value)) return { kind: 'constant', value: value.toLowerCase() === 'true', line };
    if (/^[Nn]one$/.test(value)) return { kind: 'constant', value: null, line };
    return { kind: 'name', name: value, line };
  }

  /** Neighbouring string literals are one. */
  #strings(): Expression {
    const { line } = this.stream.current;
    let value = '';
    while (this.stream.is('string')) value += this.stream.next().value;
    return { kind: 'constant', value, line };
  }

  #parentheses(): Expression {
    const { line } = this.stream.next();
    const items = this.tupleItems(
      () => false,
      () => this.expression(),
    );
    this.stream.expect('rparen');
    return items.length === 1 && !items.isTuple ? items[0]! : { kind: 'tuple', items, line };
  }

  #list(): Expression {
    const { line } = this.stream.expect('lbracket');
    const items: Expression[] = [];
    while (!this.stream.is('rbracket')) {
      if (items.length > 0) this.stream.expect('comma');
      if (this.stream.is('rbracket')) break;
      items.push(this.expression());
    }
    this.stream.expect('rbracket');
    return { kind: 'list', items, line };
  }

  #dict(): Expression {
    const { line } = this.stream.expect('lbrace');
    const items: [Expression, Expression][] = [];
    while (!this.stream.is('rbrace')) {
      if (items.length > 0) this.stream.expect('comma');
      if (this.stream.is('rbrace')) break;
      const key = this.expression();
      this.stream.expect('colon');
      items.push([key, this.expression()]);
    }
    this.stream.expect('rbrace');
    return { kind: 'dict', items, line };
  }

  #postfix(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.stream.is('dot') || this.stream.is('lbracket')) node = this.#subscript(node);
      else if (this.stream.is('lparen')) node = this.call(node);
      else return node;
    }
  }

  #filters(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.stream.is('pipe')) node = this.filter(node)!;
      else if (this.stream.is('name', 'is')) node = this.#test(node);
      else if (this.stream.is('lparen')) node = this.call(node);
      else return node;
    }
  }

  #subscript(object: Expression): GetAttribute | GetItem {
    const { type, line } = this.stream.next();
    if (type === 'dot') {
      const name = this.stream.next();
      if (name.type === 'name') return { kind: 'attribute', object, name: name.value, line };
      if (name.type !== 'integer') this.stream.fail('expected name or number', name.line);
      const key = { kind: 'constant', value: parseInteger(name.value, 0)!, line: name.line } as const;
      return { kind: 'item', object, key, line };
    }
    const keys: Expression[] = [];
    while (!this.stream.is('rbracket')) {
      if (keys.length > 0) this.stream.expect('comma');
      keys.push(this.#subscribed());
    }
    this.stream.expect('rbracket');
    const key: Expression = keys.length === 1 ? keys[0]! : { kind: 'tuple', items: keys, line };
    return { kind: 'item', object, key, line };
  }

  #subscribed(): Expression {
    const { line } = this.stream.current;
    const isPartEnd = () => this.stream.is('colon') || this.stream.is('rbracket') || this.stream.is('comma');
    const part = () => (isPartEnd() ? null : this.expression());
    const start = this.stream.is('colon') ? null : this.expression();
    if (start !== null && !this.stream.is('colon')) return start;
    this.stream.expect('colon');
    const stop = part();
    const step = this.stream.skipIf('colon') ? part() : null;
    return { kind: 'slice', start, stop, step, line };
  }

  call(callee: Expression): Call {
    const { line } = this.stream.current;
    return { kind: 'call', callee, ...this.#arguments(), line };
  }

  #arguments(): Arguments {
    const { line } = this.stream.expect('lparen');
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    let rest: Expression | null = null;
    let namedRest: Expression | null = null;
    const ensure = (isTrue: boolean) => {
      if (!isTrue) this.stream.fail('invalid syntax for function call expression', line);
    };
    for (let isFirst = true; !this.stream.is('rparen'); isFirst = false) {
      if (!isFirst) {
        this.stream.expect('comma');
        if (this.stream.is('rparen')) break;
      }
      if (this.stream.skipIf('mul')) {
        ensure(rest === null && namedRest === null);
        rest = this.expression();
      } else if (this.stream.skipIf('pow')) {
        ensure(namedRest === null);
        namedRest = this.expression();
      } else if (this.stream.is('name') && this.stream.following.type === 'assign') {
        ensure(namedRest === null);
        const key = this.stream.next().value;
        this.stream.next();
        if (named.some(([other]) => other === key)) this.stream.fail(`keyword argument repeated: ${key}`, line);
        named.push([key, this.expression()]);
      } else {
        ensure(rest === null && namedRest === null && named.length === 0);
        positional.push(this.expression());
      }
    }
    this.stream.expect('rparen');
    return { positional, named, rest, namedRest };
  }

  /** One or more filters; `isInline`: the first stands without its sign (`{% filter upper %}`). */
  filter(input: Expression | null, isInline = false): Filter | null {
    let node: Filter | null = null;
    for (let isFirst = isInline; isFirst || this.stream.is('pipe'); isFirst = false) {
      if (!isFirst) this.stream.next();
      const { line } = this.stream.current;
      const name = this.#dottedName();
      node = { kind: 'filter', name, input: node ?? input, ...this.#optionalArguments(), line };
    }
    return node;
  }

  #dottedName(): string {
    let name = this.stream.expect('name').value;
    while (this.stream.skipIf('dot')) name += `.${this.stream.expect('name').value}`;
    return name;
  }

  #optionalArguments(): Arguments {
    return this.stream.is('lparen') ? this.#arguments() : { positional: [], named: [], rest: null, namedRest: null };
  }

  #test(input: Expression): Expression {
    const { line } = this.stream.next();
    const isNegated = this.stream.skipIf('name', 'not');
    const name = this.#dottedName();
    let args = this.#optionalArgumentsOfTest();
    if (args === null) args = { positional: [], named: [], rest: null, namedRest: null };
    const node: Expression = { kind: 'test', name, input, ...args, line };
    return isNegated ? { kind: 'not', operand: node, line } : node;
  }

  /** `is divisibleby(3)` or `is divisibleby 3`. */
  #optionalArgumentsOfTest(): Arguments | null {
    if (this.stream.is('lparen')) return this.#arguments();
    if (!startsArgument.includes(this.stream.current.type) || this.stream.isName('else', 'or', 'and')) return null;
    if (this.stream.is('name', 'is')) this.stream.fail('You cannot chain multiple tests with is');
    return { positional: [this.#postfix(this.primary())], named: [], rest: null, namedRest: null };
  }
}
