// SPDX-License-Identifier: Apache-2.0
import type { ResponseRole } from '@llmf/training';

/** One turn of a chat, in canonical roles. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  /**
   * Where the content has its pictures, films and sounds. Present where the file gives the content as a list of parts:
   * then nothing else in the text stands for one.
   */
  readonly media?: readonly MediaMark[];
  /** Function calls of an assistant turn, as chat templates read them. */
  readonly toolCalls?: readonly ToolCall[];
  /** Text of a reasoning part that precedes the content. */
  readonly reasoning?: string;
  /** All other fields of the message, as the file has them: templates read them by name. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The data itself says that this turn is not to be learned. */
  readonly isMasked?: boolean;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: unknown;
  /** What stands beside the function: its id. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A picture, film or sound that a row names; only the modality that reads it looks inside. */
export interface MediaReference {
  readonly kind: 'image' | 'video' | 'audio';
  /** As the file has it: a path, a URL, `{ path, bytes }`, … */
  readonly value: unknown;
  /** Folder of the data file; relative paths start there. */
  readonly folder: string;
  /** A file that the user named by hand, wherever it lies: its folder is the root of the file system. */
  readonly isNamedByUser?: true;
}

/** A content part that is a picture, film or sound: `<image>` (or `<video>`, `<audio>`) stands for it in the text. */
export interface MediaMark {
  readonly kind: MediaReference['kind'];
  /** Where the text that stands for it begins, in UTF-16 units of the content. */
  readonly at: number;
  /** null: it lies in the row's own column. */
  readonly reference: MediaReference | null;
  /** Its 0-based place in that column, where the part says so; else it is the next. */
  readonly index?: number;
}

/** One answer to the prompt. More than one turn when a supervised chat goes on after its first answer. */
export interface Answer {
  readonly role: ResponseRole;
  readonly messages: readonly Message[];
}

interface Common {
  readonly weight: number;
  readonly extras: Readonly<Record<string, number>>;
  /** What the row's media columns name, pictures first. */
  readonly media: readonly MediaReference[];
  /** Kinds for which the row has a column with nothing in it. */
  readonly emptyMedia?: readonly MediaReference['kind'][];
}

/** Running text, learned whole. */
export interface TextExample extends Common {
  readonly kind: 'text';
  readonly text: string;
}

/** A prompt and its answers: what every chat, instruction and preference format becomes. */
export interface ChatExample extends Common {
  readonly kind: 'chat';
  readonly system?: Message;
  /** Turns before the answers. */
  readonly messages: readonly Message[];
  /** One answer; chosen and rejected; or several, best first. */
  readonly answers: readonly Answer[];
  readonly tools?: readonly unknown[];
  /** The row held a plain prompt string and plain answer strings: without a template it is used as it stands. */
  readonly isPlain: boolean;
  /** Turns behind the last answer were left out: nothing in them can be learned. */
  readonly wasCut?: boolean;
}

/** Token ids given by the data; no tokenizer and no template are needed. */
export interface TokenExample extends Common {
  readonly kind: 'tokens';
  readonly prompt: readonly number[];
  readonly answers: readonly { readonly role: ResponseRole; readonly ids: readonly number[] }[];
}

/** Texts that are read as they are, framed by the tokenizer's own special tokens; with what they are labelled, if anything. */
export interface SequenceExample extends Common {
  readonly kind: 'sequences';
  /** A list of words keeps them apart. */
  readonly texts: readonly { readonly role: ResponseRole; readonly text: string | readonly string[] }[];
  /** As the row has them: names, or numbers; null: the row has none. */
  readonly labels: readonly (string | number)[] | null;
}

export type Example = TextExample | ChatExample | TokenExample | SequenceExample;
