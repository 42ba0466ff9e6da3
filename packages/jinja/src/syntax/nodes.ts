// SPDX-License-Identifier: Apache-2.0
import type { Scope } from './scope.js';
import type { Constant } from '../values/value.js';

interface At {
  /** Line of the template, from 1. */
  readonly line: number;
}

export type Expression =
  | Constant_
  | Name
  | TupleNode
  | ListNode
  | DictNode
  | Conditional
  | Logical
  | Not
  | Compare
  | Binary
  | Unary
  | Concat
  | GetAttribute
  | GetItem
  | Slice
  | Call
  | Filter
  | Test;

export interface Constant_ extends At {
  readonly kind: 'constant';
  readonly value: Constant;
}
export interface Name extends At {
  readonly kind: 'name';
  readonly name: string;
}
export interface TupleNode extends At {
  readonly kind: 'tuple';
  readonly items: readonly Expression[];
}
export interface ListNode extends At {
  readonly kind: 'list';
  readonly items: readonly Expression[];
}
export interface DictNode extends At {
  readonly kind: 'dict';
  readonly items: readonly (readonly [Expression, Expression])[];
}
export interface Conditional extends At {
  readonly kind: 'conditional';
  readonly test: Expression;
  readonly value: Expression;
  readonly else: Expression | null;
}
export interface Logical extends At {
  readonly kind: 'and' | 'or';
  readonly left: Expression;
  readonly right: Expression;
}
export interface Not extends At {
  readonly kind: 'not';
  readonly operand: Expression;
}
export type Comparison = 'eq' | 'ne' | 'lt' | 'lteq' | 'gt' | 'gteq' | 'in' | 'notin';
export interface Compare extends At {
  readonly kind: 'compare';
  readonly first: Expression;
  readonly rest: readonly (readonly [Comparison, Expression])[];
}
export type BinaryOperator = 'add' | 'sub' | 'mul' | 'div' | 'floordiv' | 'mod' | 'pow';
export interface Binary extends At {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}
export interface Unary extends At {
  readonly kind: 'unary';
  readonly operator: 'neg' | 'pos';
  readonly operand: Expression;
}
export interface Concat extends At {
  readonly kind: 'concat';
  readonly parts: readonly Expression[];
}
export interface GetAttribute extends At {
  readonly kind: 'attribute';
  readonly object: Expression;
  readonly name: string;
}
export interface GetItem extends At {
  readonly kind: 'item';
  readonly object: Expression;
  readonly key: Expression;
}
export interface Slice extends At {
  readonly kind: 'slice';
  readonly start: Expression | null;
  readonly stop: Expression | null;
  readonly step: Expression | null;
}
export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
  readonly rest: Expression | null;
  readonly namedRest: Expression | null;
}
export interface Call extends At, Arguments {
  readonly kind: 'call';
  readonly callee: Expression;
}
export interface Filter extends At, Arguments {
  readonly kind: 'filter';
  readonly name: string;
  /** null: the text of the block that the filter closes. */
  readonly input: Expression | null;
}
export interface Test extends At, Arguments {
  readonly kind: 'test';
  readonly name: string;
  readonly input: Expression;
}

/** What `set`, `for` and `with` assign to. */
export type Target = NameTarget | AttributeTarget | TupleTarget;
export interface NameTarget extends At {
  readonly kind: 'name';
  readonly name: string;
}
/** `namespace.attribute` */
export interface AttributeTarget extends At {
  readonly kind: 'attribute';
  readonly namespace: string;
  readonly attribute: string;
}
export interface TupleTarget extends At {
  readonly kind: 'tuple';
  readonly items: readonly Target[];
}

export type Statement =
  | Output
  | Assign
  | AssignBlock
  | For
  | If
  | With
  | Macro
  | CallBlock
  | FilterBlock
  | Block
  | Generation
  | AutoEscape
  | LoopControl
  | Load;

export interface Output extends At {
  readonly kind: 'output';
  /** Strings are text of the template. */
  readonly parts: readonly (string | Expression)[];
}
export interface Assign extends At {
  readonly kind: 'assign';
  readonly target: Target;
  readonly value: Expression;
}
export interface AssignBlock extends At {
  readonly kind: 'assign-block';
  readonly target: Target;
  readonly filter: Filter | null;
  readonly body: readonly Statement[];
  scope?: Scope;
}
export interface For extends At {
  readonly kind: 'for';
  readonly target: Target;
  readonly iterable: Expression;
  readonly test: Expression | null;
  readonly isRecursive: boolean;
  readonly body: readonly Statement[];
  readonly else: readonly Statement[];
  scope?: Scope;
  elseScope?: Scope;
}
export interface If extends At {
  readonly kind: 'if';
  readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[];
  readonly else: readonly Statement[];
}
export interface With extends At {
  readonly kind: 'with';
  readonly targets: readonly Target[];
  readonly values: readonly Expression[];
  readonly body: readonly Statement[];
  scope?: Scope;
}
export interface Signature {
  readonly parameters: readonly string[];
  /** Of the last parameters. */
  readonly defaults: readonly Expression[];
}
export interface MacroBody extends At, Signature {
  readonly body: readonly Statement[];
  scope?: Scope;
  /** Special names that the body reads without having set them. */
  reads?: { readonly caller: boolean; readonly kwargs: boolean; readonly varargs: boolean };
}
export interface Macro extends MacroBody {
  readonly kind: 'macro';
  readonly name: string;
}
export interface CallBlock extends MacroBody {
  readonly kind: 'call-block';
  readonly call: Call;
}
export interface FilterBlock extends At {
  readonly kind: 'filter-block';
  readonly filter: Filter;
  readonly body: readonly Statement[];
  scope?: Scope;
}
export interface Block extends At {
  readonly kind: 'block';
  readonly name: string;
  readonly isScoped: boolean;
  readonly isRequired: boolean;
  readonly body: readonly Statement[];
  scope?: Scope;
}
/** Transformers' `{% generation %}`: what the assistant wrote. */
export interface Generation extends At {
  readonly kind: 'generation';
  readonly body: readonly Statement[];
  scope?: Scope;
}
export interface AutoEscape extends At {
  readonly kind: 'autoescape';
  readonly isOn: Expression;
  readonly body: readonly Statement[];
  scope?: Scope;
}
export interface LoopControl extends At {
  readonly kind: 'break' | 'continue';
}
/** `include`, `import`, `from` and `extends`: there is nothing to load from. */
export interface Load extends At {
  readonly kind: 'load';
  readonly tag: string;
  readonly names: readonly string[];
}
