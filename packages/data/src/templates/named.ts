// SPDX-License-Identifier: Apache-2.0
/**
 * Chat layouts by name, for tokenizers that ship none. Each is the layout its models were trained with, as Jinja over
 * `messages`, `bos_token` and `eos_token`; `{{ bos }}` stands where a tokenizer that begins every text with bos wants it.
 * System prompts of layouts without a system turn are put before the first user turn by the renderer.
 */
export interface NamedTemplate {
  readonly name: string;
  readonly description: string;
  readonly source: string;
}

const named = (name: string, description: string, source: string): NamedTemplate => ({ name, description, source });

const chatmlTurns =
  `{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}` +
  `{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}`;

/** [INST] layouts: `open` and `close` around the user's turn, `before` and `after` around the assistant's. */
const instTurns = (begin: string, before: string, after: string) =>
  `{% for message in messages %}` +
  `{% if message['role'] == 'user' %}${begin}[INST] {{ message['content'] }} [/INST]` +
  `{% elif message['role'] == 'assistant' %}${before}{{ message['content'] }}${after}{{ eos_token }}` +
  `{% else %}{{ raise_exception('the role ' + message['role'] + ' is not part of this layout') }}{% endif %}{% endfor %}`;

export const namedTemplates: readonly NamedTemplate[] = [
  named('chatml', '<|im_start|>role … <|im_end|>', `{{ bos }}${chatmlTurns}`),
  named(
    'qwen',
    'ChatML with the default system prompt of Qwen 1.5 and 2',
    `{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}${chatmlTurns}`,
  ),
  named(
    'llama3',
    '<|start_header_id|>role<|end_header_id|> … <|eot_id|>',
    `{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n` +
      `{{ message['content'] | trim }}<|eot_id|>{% endfor %}` +
      `{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}`,
  ),
  named(
    'llama2',
    '[INST] <<SYS>> … <</SYS>> … [/INST] …',
    `{% if messages[0]['role'] == 'system' %}{% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}` +
      `{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}` +
      `{% for message in turns %}{% if message['role'] == 'user' %}` +
      `{{ bos_token }}[INST] {% if loop.first %}{{ system }}{% endif %}{{ message['content'] | trim }} [/INST]` +
      `{% elif message['role'] == 'assistant' %} {{ message['content'] | trim }} {{ eos_token }}` +
      `{% else %}{{ raise_exception('the role ' + message['role'] + ' is not part of this layout') }}{% endif %}{% endfor %}`,
  ),
  named('mistral', '[INST] … [/INST] …', `{{ bos_token }}${instTurns('', ' ', '')}`),
  named(
    'gemma',
    '<start_of_turn>user … <end_of_turn>',
    `{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}` +
      `{{ raise_exception('there is no system turn in this layout') }}{% endif %}` +
      `<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n` +
      `{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}` +
      `{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}`,
  ),
  named(
    'phi3',
    '<|user|> … <|end|> <|assistant|> …',
    `{{ bos }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}` +
      `{% if add_generation_prompt %}<|assistant|>\n{% endif %}`,
  ),
  named(
    'zephyr',
    '<|user|> … </s> <|assistant|> …, the roles as plain text',
    `{{ bos }}{% for message in messages %}{{ '<|' + message['role'] + '|>' }}\n{{ message['content'] }}{{ eos_token }}\n{% endfor %}` +
      `{% if add_generation_prompt %}{{ '<|assistant|>' }}\n{% endif %}`,
  ),
  named(
    'vicuna',
    'USER: … ASSISTANT: …',
    `{{ bos }}{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }} {% set turns = messages[1:] %}` +
      `{% else %}A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, ` +
      `detailed, and polite answers to the user's questions. {% set turns = messages %}{% endif %}` +
      `{% for message in turns %}{% if message['role'] == 'assistant' %} {{ message['content'] }}{{ eos_token }}` +
      `{% else %}USER: {{ message['content'] }} ASSISTANT:{% endif %}{% endfor %}`,
  ),
  named(
    'alpaca',
    '### Instruction: … ### Response: …',
    `{{ bos }}{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}\n\n{% set turns = messages[1:] %}` +
      `{% else %}Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n` +
      `{% set turns = messages %}{% endif %}` +
      `{% for message in turns %}{% if message['role'] == 'assistant' %}{{ message['content'] }}{{ eos_token }}\n\n` +
      `{% else %}### Instruction:\n{{ message['content'] }}\n\n### Response:\n{% endif %}{% endfor %}`,
  ),
  named(
    'plain',
    'User: … Assistant: …, without special tokens but eos',
    `{{ bos }}{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] }}\n\n` +
      `{% elif message['role'] == 'assistant' %}Assistant: {{ message['content'] }}{{ eos_token }}\n\n` +
      `{% elif message['role'] == 'tool' %}Result: {{ message['content'] }}\n\n` +
      `{% else %}User: {{ message['content'] }}\n\n{% endif %}{% endfor %}` +
      `{% if add_generation_prompt %}Assistant:{% endif %}`,
  ),
];

/** The Jinja of a named layout for one tokenizer. */
export function namedSource(template: NamedTemplate, addsBos: boolean): string {
  return template.source.replaceAll('{{ bos }}', addsBos ? '{{ bos_token }}' : '');
}
