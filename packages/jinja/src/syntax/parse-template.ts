// SPDX-License-Identifier: Apache-2.0
import type {
  AssignBlock,
  Block,
  CallBlock,
  Expression,
  Filter,
  FilterBlock,
  For,
  If,
  Load,
  Macro,
  Signature,
  Statement,
  Target,
  With,
} from './nodes.js';
import { tokenize } from './lexer.js';
import { ExpressionParser } from './parse-expressions.js';
import { TokenStream } from './token-stream.js';
import { describeToken } from './tokens.js';

/** The statements of a template. @throws TemplateError of kind `syntax`, with the line. */
export function parseTemplate(source: string): Statement[] {
  return new StatementParser(new TokenStream(tokenize(source))).template();
}

/** Deeper blocks would be refused by Python too, which compiles what Jinja 2 writes. */
const deepest = 90;

class StatementParser {
  readonly #expressions: ExpressionParser;
  readonly #tags: string[] = [];
  /** Whether `break` and `continue` have a loop to act on, the innermost last. */
  readonly #loops: boolean[] = [false];

  constructor(private readonly stream: TokenStream) {
    this.#expressions = new ExpressionParser(stream);
  }

  template(): Statement[] {
    return this.#body([]);
  }

  /** Statements up to a block whose tag is one of `ends`, which becomes current; without ends, up to the end of the text. */
  #body(ends: readonly string[]): Statement[] {
    const body: Statement[] = [];
    let parts: (string | Expression)[] = [];
    const flush = (line: number) => {
      if (parts.length > 0) body.push({ kind: 'output', parts, line });
      parts = [];
    };
    for (;;) {
      const { type, value, line } = this.stream.current;
      if (type === 'eof') {
        if (ends.length > 0) this.#failAtEnd(ends);
        flush(line);
        return body;
      }
      this.stream.next();
      if (type === 'data') parts.push(value);
      else if (type === 'variable_begin') {
        parts.push(this.#expressions.tuple());
        this.stream.expect('variable_end');
      } else {
        flush(line);
        if (this.stream.isName(...ends)) return body;
        body.push(this.#statement());
        this.stream.expect('block_end');
      }
    }
  }

  /** The body of a tag, up to and with its end. */
  #bodyUntil(...ends: readonly string[]): Statement[] {
    this.stream.skipIf('colon');
    this.stream.expect('block_end');
    return this.#body(ends);
  }

  /** The body of a tag that has one end. */
  #wholeBody(end: string): Statement[] {
    const body = this.#bodyUntil(end);
    this.stream.next();
    return body;
  }

  #failAtEnd(ends: readonly string[]): never {
    const innermost = this.#tags.at(-1);
    const looking = ends.map((end) => `'${end}'`).join(' or ');
    return this.stream.fail(
      `Unexpected end of template. Jinja was looking for the following tags: ${looking}.` +
        (innermost === undefined ? '' : ` The innermost block that needs to be closed is '${innermost}'.`),
    );
  }

  #statement(): Statement {
    const { type, value } = this.stream.current;
    if (type !== 'name') this.stream.fail('tag name expected');
    const parse = this.#parsers[value];
    if (parse === undefined) this.stream.fail(`Encountered unknown tag '${value}'.`);
    if (this.#tags.length >= deepest) this.stream.fail('blocks are nested too deeply');
    this.#tags.push(value);
    const statement = parse(this.stream.next().line, value);
    this.#tags.pop();
    return statement;
  }

  readonly #parsers: Readonly<Record<string, (line: number, tag: string) => Statement>> = Object.assign(
    Object.create(null) as Record<string, (line: number, tag: string) => Statement>,
    {
      for: (line: number) => this.#for(line),
      if: (line: number) => this.#if(line),
      set: (line: number) => this.#set(line),
      with: (line: number) => this.#with(line),
      macro: (line: number) => this.#macro(line),
      call: (line: number) => this.#callBlock(line),
      filter: (line: number) => this.#filterBlock(line),
      print: (line: number) => this.#print(line),
      block: (line: number) => this.#block(line),
      generation: (line: number): Statement => ({
        kind: 'generation',
        body: this.#outsideLoops(() => this.#wholeBody('endgeneration')),
        line,
      }),
      autoescape: (line: number): Statement => {
        const isOn = this.#expressions.expression();
        return { kind: 'autoescape', isOn, body: this.#wholeBody('endautoescape'), line };
      },
      break: (line: number, tag: string) => this.#loopControl(line, tag),
      continue: (line: number, tag: string) => this.#loopControl(line, tag),
      include: (line: number, tag: string) => this.#load(line, tag),
      import: (line: number, tag: string) => this.#load(line, tag),
      from: (line: number, tag: string) => this.#load(line, tag),
      extends: (line: number, tag: string) => this.#load(line, tag),
    },
  );

  #loopControl(line: number, tag: string): Statement {
    if (this.#loops.at(-1) !== true) this.stream.fail(`'${tag}' outside loop`, line);
    return { kind: tag as 'break' | 'continue', line };
  }

  #insideLoop<T>(parse: () => T): T {
    this.#loops.push(true);
    const result = parse();
    this.#loops.pop();
    return result;
  }

  /** What becomes a function of its own: a macro's body inside a loop cannot leave the loop. */
  #outsideLoops<T>(parse: () => T): T {
    this.#loops.push(false);
    const result = parse();
    this.#loops.pop();
    return result;
  }

  #for(line: number): For {
    const target = this.#target(false, 'in');
    this.stream.expect('name', 'in');
    const iterable = this.#expressions.tuple(
      () => this.stream.is('name', 'recursive'),
      () => this.#expressions.or(),
    );
    const test = this.stream.skipIf('name', 'if') ? this.#expressions.expression() : null;
    const isRecursive = this.stream.skipIf('name', 'recursive');
    const body = this.#insideLoop(() => this.#bodyUntil('endfor', 'else'));
    const rest = this.stream.next().value === 'else' ? this.#elseOfLoop(isRecursive) : [];
    return { kind: 'for', target, iterable, test, isRecursive, body, else: rest, line };
  }

  #elseOfLoop(isRecursive: boolean): Statement[] {
    const parse = () => this.#wholeBody('endfor');
    return isRecursive ? this.#outsideLoops(parse) : parse();
  }

  #if(line: number): If {
    const branches: { test: Expression; body: Statement[] }[] = [];
    for (;;) {
      const test = this.#expressions.tuple(undefined, () => this.#expressions.or());
      branches.push({ test, body: this.#bodyUntil('elif', 'else', 'endif') });
      const end = this.stream.next().value;
      if (end === 'elif') continue;
      return { kind: 'if', branches, else: end === 'else' ? this.#wholeBody('endif') : [], line };
    }
  }

  #set(line: number): Statement {
    const target = this.#target(true);
    if (this.stream.skipIf('assign')) return { kind: 'assign', target, value: this.#expressions.tuple(), line };
    const filter = this.#expressions.filter(null);
    return { kind: 'assign-block', target, filter, body: this.#wholeBody('endset'), line } satisfies AssignBlock;
  }

  #with(line: number): With {
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (!this.stream.is('block_end')) {
      if (targets.length > 0) this.stream.expect('comma');
      targets.push(this.#target(false));
      this.stream.expect('assign');
      values.push(this.#expressions.expression());
    }
    return { kind: 'with', targets, values, body: this.#wholeBody('endwith'), line };
  }

  #macro(line: number): Macro {
    const name = this.#assignable(this.stream.expect('name').value, line);
    const signature = this.#signature();
    return { kind: 'macro', name, ...signature, body: this.#outsideLoops(() => this.#wholeBody('endmacro')), line };
  }

  #signature(): Signature {
    const parameters: string[] = [];
    const defaults: Expression[] = [];
    this.stream.expect('lparen');
    while (!this.stream.is('rparen')) {
      if (parameters.length > 0) this.stream.expect('comma');
      const { value, line } = this.stream.expect('name');
      if (parameters.includes(value)) this.stream.fail(`duplicate argument '${value}' in function definition`, line);
      parameters.push(this.#assignable(value, line));
      if (this.stream.skipIf('assign')) defaults.push(this.#expressions.expression());
      else if (defaults.length > 0) this.stream.fail('non-default argument follows default argument');
    }
    this.stream.expect('rparen');
    return { parameters, defaults };
  }

  #callBlock(line: number): CallBlock {
    const signature = this.stream.is('lparen') ? this.#signature() : { parameters: [], defaults: [] };
    const call = this.#expressions.expression();
    if (call.kind !== 'call') this.stream.fail('expected call', line);
    return { kind: 'call-block', ...signature, call, body: this.#outsideLoops(() => this.#wholeBody('endcall')), line };
  }

  #filterBlock(line: number): FilterBlock {
    const filter: Filter = this.#expressions.filter(null, true)!;
    return { kind: 'filter-block', filter, body: this.#wholeBody('endfilter'), line };
  }

  #print(line: number): Statement {
    const parts: Expression[] = [];
    while (!this.stream.is('block_end')) {
      if (parts.length > 0) this.stream.expect('comma');
      parts.push(this.#expressions.expression());
    }
    return { kind: 'output', parts, line };
  }

  readonly #blocks = new Set<string>();

  #block(line: number): Block {
    const name = this.stream.expect('name').value;
    if (this.#blocks.has(name)) this.stream.fail(`block '${name}' defined twice`, line);
    this.#blocks.add(name);
    const isScoped = this.stream.skipIf('name', 'scoped');
    const isRequired = this.stream.skipIf('name', 'required');
    if (this.stream.is('sub')) this.stream.fail('Block names may not contain hyphens, use an underscore instead.');
    const body = this.#outsideLoops(() => this.#wholeBody('endblock'));
    this.stream.skipIf('name', name);
    return { kind: 'block', name, isScoped, isRequired, body, line };
  }

  /** The rest of the tag is read as far as its names are needed: they count as set. */
  #load(line: number, tag: string): Load {
    const names: string[] = [];
    this.#expressions.expression();
    while (!this.stream.is('block_end') && !this.stream.is('eof')) {
      const { type, value } = this.stream.next();
      if (type === 'name' && !['as', 'import', 'with', 'without', 'context', 'ignore', 'missing'].includes(value))
        names.push(value);
    }
    return { kind: 'load', tag, names, line };
  }

  /** `end`: a word that ends the target (`in`). */
  #target(withNamespace: boolean, end?: string): Target {
    const { line } = this.stream.current;
    const isEnd = () => end !== undefined && this.stream.is('name', end);
    const items = this.#expressions.tupleItems(isEnd, () => this.#oneTarget(withNamespace));
    if (items.length === 0) this.stream.fail(`Expected an expression, got '${describeToken(this.stream.current)}'`);
    return items.isTuple ? { kind: 'tuple', items, line } : items[0]!;
  }

  #oneTarget(withNamespace: boolean): Target {
    const { type, value, line } = this.stream.current;
    if (type === 'lparen') return this.#parenthesizedTarget();
    if (type !== 'name') {
      const node = this.#expressions.primary();
      return this.stream.fail(`can't assign to '${node.kind === 'constant' ? 'const' : node.kind}'`, line);
    }
    this.stream.next();
    if (withNamespace && this.stream.skipIf('dot'))
      return { kind: 'attribute', namespace: value, attribute: this.stream.expect('name').value, line };
    return { kind: 'name', name: this.#assignable(value, line), line };
  }

  #parenthesizedTarget(): Target {
    const { line } = this.stream.next();
    const items = this.#expressions.tupleItems(
      () => false,
      () => this.#oneTarget(false),
    );
    this.stream.expect('rparen');
    return items.length === 1 && !items.isTuple ? items[0]! : { kind: 'tuple', items, line };
  }

  #assignable(name: string, line: number): string {
    if (/^([Tt]rue|[Ff]alse|[Nn]one)$/.test(name)) this.stream.fail(`can't assign to '${name}'`, line);
    return name;
  }
}
