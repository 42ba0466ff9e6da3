// SPDX-License-Identifier: Apache-2.0
// `llmf hello Ada --plugin hello`: what a command of a plugin looks like.
import { apiVersion, CommandToken, z } from '@llmf/core';

const hello = {
  name: 'hello',
  description: 'Greets somebody and says what is loaded.',
  arguments: [{ name: 'name', description: 'whom to greet' }],
  options: z.strictObject({ loud: z.boolean().default(false).describe('In capitals.') }),
  async run({ arguments: [name], engine, out }, { loud }) {
    const text = `hello ${name}, from ${engine.plugins.length} plugins`;
    out.write(`${loud ? text.toUpperCase() : text}\n`);
  },
};

export default function commandHello() {
  return {
    name: 'hello',
    apiVersion,
    description: hello.description,
    apply: (engine) => engine.provide(CommandToken, hello),
  };
}
