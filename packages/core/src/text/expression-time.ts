// SPDX-License-Identifier: Apache-2.0
/** A group that repeats, taken so often, takes as long as one that is taken without bound. */
const many = 8;

/**
 * Whether a group with an unbounded repetition in it is itself repeated without bound or many times, as in `(a+)+` and
 * `(a+){20}`: matching it may take exponential time.
 * @param options.countsChoices a group with alternatives in it, `(a|b)`, counts too: they may overlap
 */
export function repeatsRepetition(expression: string, { countsChoices = false } = {}): boolean {
  const groups: { repeats: boolean }[] = [{ repeats: false }];
  for (let at = 0; at < expression.length; at++) {
    const sign = expression[at];
    if (sign === '\\') at++;
    else if (sign === '[') at = endOfSet(expression, at);
    else if (sign === '(') groups.push({ repeats: false });
    else if (sign === ')' && groups.length > 1) {
      const { repeats } = groups.pop()!;
      if (repeats && (isUnbounded(expression, at + 1) || timesAt(expression, at + 1) >= many)) return true;
      groups.at(-1)!.repeats ||= repeats;
    } else if (isUnbounded(expression, at) || (countsChoices && sign === '|')) groups.at(-1)!.repeats = true;
  }
  return false;
}

/** How often a part may be taken: m of `{m}` and `{n,m}`. */
const timesAt = (expression: string, at: number): number =>
  Number(/^\{(?:\d*,)?(\d+)\}/.exec(expression.slice(at, at + 24))?.[1] ?? 1);

/** `*`, `+` or `{n,}`; possessive ones (`++`, `*+`) take nothing back, so they do not count. */
function isUnbounded(expression: string, at: number): boolean {
  const found = /^(?:[*+]|\{\d+,\})(\+?)/.exec(expression.slice(at, at + 12));
  return found !== null && found[1] === '';
}

function endOfSet(expression: string, start: number): number {
  for (let at = start + 1; at < expression.length; at++) {
    if (expression[at] === '\\') at++;
    else if (expression[at] === ']' && at > start + 1) return at;
  }
  return expression.length;
}
