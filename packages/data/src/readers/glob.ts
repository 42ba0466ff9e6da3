// SPDX-License-Identifier: Apache-2.0
/**
 * Globs: `*`, `**` + `/`, `?`, `{a,b}`. A pattern is followed along all its ways at once, one character after the other
 * (Thompson, "Regular expression search algorithm", 1968): time grows with pattern times path, whatever they are.
 */

/** Whether one character leads on, and where to. */
interface Step {
  readonly takes: (character: string) => boolean;
  readonly to: number;
}

/** Places of a pattern: what leads on with a character, and what without one. */
interface Automaton {
  readonly steps: Step[][];
  readonly free: number[][];
}

export type Matcher = (path: string) => boolean;

export function globMatcher(pattern: string): Matcher {
  const automaton: Automaton = { steps: [], free: [] };
  const end = new GlobReader(pattern, automaton).read();
  return (path) => {
    let places = reachable(automaton, [0]);
    for (const character of path) {
      if (places.size === 0) return false;
      const next = [...places].flatMap((place) => automaton.steps[place]!.filter(({ takes }) => takes(character)));
      places = reachable(
        automaton,
        next.map(({ to }) => to),
      );
    }
    return places.has(end);
  };
}

function reachable({ free }: Automaton, from: readonly number[]): Set<number> {
  const found = new Set(from);
  for (const place of found) for (const to of free[place]!) found.add(to); // a set's loop sees what is added
  return found;
}

const withinName = (character: string) => character !== '/';

/** Writes the automaton of a pattern, from place 0 on. */
class GlobReader {
  private at = 0;

  constructor(
    private readonly pattern: string,
    private readonly automaton: Automaton,
  ) {}

  /** The last place. */
  read(): number {
    let place = this.place();
    const groups: { readonly begin: number; readonly ends: number[] }[] = [];
    while (this.at < this.pattern.length) {
      const group = groups.at(-1);
      if (this.takes('**/')) place = this.folders(place);
      else if (this.takes('*')) place = this.names(place);
      else if (this.takes('?')) place = this.step(place, withinName);
      else if (this.takes('{')) groups.push({ begin: place, ends: [] });
      else if (group !== undefined && this.takes(',')) {
        group.ends.push(place);
        place = this.after(group.begin);
      } else if (group !== undefined && this.takes('}')) place = this.joined([...groups.pop()!.ends, place]);
      else place = this.character(place);
    }
    return this.joined([...groups.flatMap(({ ends }) => ends), place]); // a group that is not closed ends with the pattern
  }

  private takes(text: string): boolean {
    const isHere = this.pattern.startsWith(text, this.at);
    if (isHere) this.at += text.length;
    return isHere;
  }

  private character(from: number): number {
    const expected = String.fromCodePoint(this.pattern.codePointAt(this.at)!);
    this.at += expected.length;
    return this.step(from, (character) => character === expected);
  }

  /** Any part of a name. */
  private names(from: number): number {
    const place = this.after(from);
    this.automaton.steps[place]!.push({ takes: withinName, to: place });
    return place;
  }

  /** Nothing, or folders up to a slash. */
  private folders(from: number): number {
    const inside = this.after(from);
    this.automaton.steps[inside]!.push({ takes: () => true, to: inside });
    return this.joined([from, this.step(inside, (character) => character === '/')]);
  }

  private step(from: number, takes: Step['takes']): number {
    const to = this.place();
    this.automaton.steps[from]!.push({ takes, to });
    return to;
  }

  private after(from: number): number {
    return this.joined([from]);
  }

  private joined(from: readonly number[]): number {
    const to = this.place();
    for (const each of from) this.automaton.free[each]!.push(to);
    return to;
  }

  private place(): number {
    this.automaton.steps.push([]);
    return this.automaton.free.push([]) - 1;
  }
}
