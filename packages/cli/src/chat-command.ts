// SPDX-License-Identifier: Apache-2.0
import { encodePrompt, type Message } from '@llmf/data';
import type { CliIo } from './io.js';
import { openGenerator, type Generator, type SamplingFlags } from './open-generator.js';

export type ChatFlags = SamplingFlags;

/** Answers line after line, with the conversation so far as the prompt. */
export async function chatCommand(io: CliIo, settings: readonly string[], flags: ChatFlags): Promise<void> {
  const generator = await openGenerator(io, flags, settings, 'llmf chat');
  const system: Message[] = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }];
  let turns: Message[] = [];
  const ask = () => io.err.write(io.err.isTerminal ? '> ' : '');
  try {
    ask();
    for await (const line of io.lines) {
      const content = line.trim();
      if (content === '' || content === '/exit') return;
      turns = fitting(io, generator, system, [...turns, { role: 'user', content }]);
      const isWhole = generator.inference.model.decoderStart !== undefined;
      const ids = encodePrompt(generator.tokenizer, generator.template, [...system, ...turns], isWhole);
      const answer = await generator.answer({ ids, options: {} }, flags.seed + turns.length);
      turns = [...turns, { role: 'assistant', content: answer }];
      ask();
    }
  } finally {
    await generator.close();
  }
}

/** Forgets the oldest questions and answers where the model's context has no room for them and a new answer. */
function fitting(
  io: CliIo,
  { tokenizer, template, inference, longestFor }: Generator,
  system: readonly Message[],
  turns: readonly Message[],
): Message[] {
  const context = inference.model.contextLength;
  const hasRoom = (prompt: number) => prompt <= context - Math.min(longestFor(prompt), context / 2);
  let kept = [...turns];
  while (kept.length > 1 && !hasRoom(encodePrompt(tokenizer, template, [...system, ...kept]).length))
    kept = kept.slice(2);
  if (kept.length < turns.length)
    io.err.write(`(the model no longer sees the first ${turns.length - kept.length} turns)\n`);
  return kept;
}
