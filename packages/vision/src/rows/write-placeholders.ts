// SPDX-License-Identifier: Apache-2.0
import { writeMediaTokens, type MediaKind } from '../tokens/media-tokens.js';

/** The parts of the data plugin's examples that hold text; the rest passes through. */
interface TextTurn {
  readonly role: string;
  readonly content: string;
}
export interface MediaExample {
  readonly kind: string;
  readonly media: readonly { readonly kind: string }[];
  readonly text?: string;
  readonly messages?: readonly TextTurn[];
  readonly answers?: readonly { readonly messages?: readonly TextTurn[] }[];
}

/**
 * Writes the checkpoint's tokens where an example says `<image>` or `<video>`. An example with media and no placeholder
 * at all gets them before its first user turn, as TRL places them. Examples without media keep their text.
 */
export function writePlaceholders<E extends MediaExample>(example: E): E {
  if (example.media.length === 0 || example.kind === 'tokens') return example;
  const marked = hasPlaceholder(example) ? example : withPlaceholders(example);
  const turns = <T extends TextTurn>(messages: readonly T[]) =>
    messages.map((turn) => ({ ...turn, content: writeMediaTokens(turn.content).text }));
  return {
    ...marked,
    ...(marked.text === undefined ? {} : { text: writeMediaTokens(marked.text).text }),
    ...(marked.messages === undefined ? {} : { messages: turns(marked.messages) }),
    ...(marked.answers === undefined
      ? {}
      : {
          answers: marked.answers.map((answer) =>
            answer.messages === undefined ? answer : { ...answer, messages: turns(answer.messages) },
          ),
        }),
  };
}

function hasPlaceholder({ text, messages, answers }: MediaExample): boolean {
  const turns = [...(messages ?? []), ...(answers ?? []).flatMap((answer) => answer.messages ?? [])];
  return [text ?? '', ...turns.map(({ content }) => content)].some(
    (content) => writeMediaTokens(content).kinds.length > 0,
  );
}

function withPlaceholders<E extends MediaExample>(example: E): E {
  const written = example.media.map(({ kind }) => `<${kind as MediaKind}>`).join('');
  if (example.text !== undefined) return { ...example, text: written + example.text };
  const first = example.messages?.findIndex(({ role }) => role === 'user') ?? -1;
  if (first < 0) return example;
  const messages = example.messages!.map((turn, at) =>
    at === first ? { ...turn, content: written + turn.content } : turn,
  );
  return { ...example, messages };
}
