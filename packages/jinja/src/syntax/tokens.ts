// SPDX-License-Identifier: Apache-2.0
/** Jinja 2's operators by their token type. */
export const operators = {
  '+': 'add',
  '-': 'sub',
  '/': 'div',
  '//': 'floordiv',
  '*': 'mul',
  '%': 'mod',
  '**': 'pow',
  '~': 'tilde',
  '[': 'lbracket',
  ']': 'rbracket',
  '(': 'lparen',
  ')': 'rparen',
  '{': 'lbrace',
  '}': 'rbrace',
  '==': 'eq',
  '!=': 'ne',
  '>': 'gt',
  '>=': 'gteq',
  '<': 'lt',
  '<=': 'lteq',
  '=': 'assign',
  '.': 'dot',
  ':': 'colon',
  '|': 'pipe',
  ',': 'comma',
  ';': 'semicolon',
} as const;

export type OperatorType = (typeof operators)[keyof typeof operators];
export type TokenType =
  | OperatorType
  | 'data'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'variable_begin'
  | 'variable_end'
  | 'block_begin'
  | 'block_end'
  | 'eof';

export interface Token {
  readonly type: TokenType;
  /** Text of data, names, strings (unescaped) and numbers (without underscores). */
  readonly value: string;
  readonly line: number;
}

const descriptions: Readonly<Partial<Record<TokenType, string>>> = {
  block_begin: 'begin of statement block',
  block_end: 'end of statement block',
  variable_begin: 'begin of print statement',
  variable_end: 'end of print statement',
  data: 'template data / text',
  eof: 'end of template',
};

/** A token as messages name it. */
export function describeToken({ type, value }: Token): string {
  if (type === 'name') return value;
  const sign = Object.entries(operators).find(([, name]) => name === type)?.[0];
  return sign ?? descriptions[type] ?? type;
}
