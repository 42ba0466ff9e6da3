// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

const resumable = 'the steps before are saved: mend it, then go on with `--resume`';

export const rolloutsErrors = defineErrors('rollouts', {
  noReward: (f: { stage: string; known: readonly string[] }) => ({
    what: `stage ${f.stage} learns from rewards, and the config names none`,
    where: 'rewards',
    expected: `one of ${f.known.join(', ')}, or a list of them`,
    fix: 'write `rewards: { name: function, path: ./reward.mjs }` with a file that exports a function of samples',
  }),
  lossUnused: (f: { stage: string; losses: readonly string[] }) => ({
    what: `stage ${f.stage} has an objective of its own; it minimises no other loss`,
    where: 'loss',
    got: f.losses.join(', '),
    fix: 'remove `loss`',
  }),
  rewardFile: (f: { path: string; reason: string }) => ({
    what: 'the file of a reward function cannot be used',
    where: f.path,
    got: f.reason,
    expected: 'a module that exports a function: samples in, one number a sample out',
    fix: 'mend the file, or name another one or another `export` in `rewards`',
  }),
  rewardTypes: (f: { path: string; node: string }) => ({
    what: 'this Node.js runs no TypeScript',
    where: f.path,
    got: `Node.js ${f.node}`,
    expected: '22.18 or later, or a .mjs file',
    fix: 'use a newer Node.js, or write the reward function in JavaScript',
  }),
  rewardFailed: (f: { reward: string; step: number; reason: string }) => ({
    what: `reward ${f.reward} failed in step ${f.step}`,
    where: `rewards: ${f.reward}`,
    got: f.reason,
    fix: resumable,
  }),
  functionThrew: (f: { path: string; reason: string }) => ({
    what: 'a reward function threw an error',
    where: f.path,
    got: f.reason,
    fix: resumable,
  }),
  nothingScored: (f: { steps: number }) => ({
    what: 'no reward scored any answer since the start: nothing was learned',
    where: 'rewards',
    got: `null for every answer of ${f.steps} step${f.steps === 1 ? '' : 's'}`,
    expected: 'a number for some of them',
    fix: 'look at what the answers are (`completions.jsonl`) and at what the reward needs in them; a score that an answer lacks may be 0',
  }),
  rewardTimeout: (f: { reward: string; seconds: number; samples: number }) => ({
    what: `reward ${f.reward} did not answer in time`,
    where: `rewards: ${f.reward}`,
    got: `nothing for ${f.samples} samples in ${f.seconds} s`,
    fix: `set \`timeoutSeconds\` higher if it needs longer; ${resumable}`,
  }),
  rewardCount: (f: { reward: string; got: string; samples: number }) => ({
    what: `reward ${f.reward} returned another number of scores than there are samples`,
    where: `rewards: ${f.reward}`,
    got: f.got,
    expected: `a list of ${f.samples}`,
    fix: `return one entry a sample, in order, null where there is nothing to say; ${resumable}`,
  }),
  rewardValue: (f: { reward: string; sample: number; got: string; answer: string }) => ({
    what: `reward ${f.reward} returned something that is no score`,
    where: `sample ${f.sample}, answer ${JSON.stringify(f.answer)}`,
    got: f.got,
    expected: 'a finite number, null, or a list of finite numbers, one a token',
    fix: `return null for a sample that cannot be scored; ${resumable}`,
  }),
  rewardTokens: (f: { reward: string; sample: number; got: number; tokens: number }) => ({
    what: `reward ${f.reward} returned another number of scores than an answer has tokens`,
    where: `sample ${f.sample}`,
    got: `${f.got} numbers`,
    expected: `${f.tokens}, one for each of \`ids\``,
    fix: `score \`ids\`, the end token included; ${resumable}`,
  }),
  endpointFailed: (f: { url: string; reason: string; tries: number }) => ({
    what: 'the endpoint of a reward failed',
    where: f.url,
    got: `${f.reason}, ${f.tries === 1 ? 'at the first try' : `${f.tries} times`}`,
    fix: `see that it runs; \`retries\` and \`timeoutSeconds\` make it more patient; ${resumable}`,
  }),
  endpointRefused: (f: { url: string; reason: string }) => ({
    what: 'the endpoint of a reward answered what is no list of scores',
    where: f.url,
    got: f.reason,
    expected: 'status 200 and JSON `{ "scores": [ … ] }`, one entry a sample',
    fix: `mend the endpoint; ${resumable}`,
  }),
  rewardModelHead: (f: { path: string; got: string }) => ({
    what: 'this is no reward model',
    where: `rewards: model, path ${f.path}`,
    got: f.got,
    expected: 'a sequence classifier with one label, or a PEFT adapter of task_type SEQ_CLS',
    fix: 'train one with stage `reward` (`--plugin algo-reward`), or name its folder',
  }),
  rewardModelBase: (f: { path: string; got: string }) => ({
    what: 'an adapter as a reward stands on the frozen base of the policy, and there is none',
    where: `rewards: model, path ${f.path}`,
    got: f.got,
    expected: 'a policy that is trained by an adapter',
    fix: 'use `adapter: lora`, or merge the reward model first (`llmf merge`) and name that folder',
  }),
  rewardModelVocabulary: (f: { path: string }) => ({
    what: 'the vocabulary of an adapter as a reward is not that of the policy: its tokens would mean other texts',
    where: `rewards: model, path ${f.path}`,
    got: 'another tokenizer.json',
    expected: 'an adapter that was trained on the policy’s own base',
    fix: 'merge the reward model (`llmf merge`) and name that folder, which reads the text',
  }),
  rewardModelText: (f: { path: string }) => ({
    what: 'a reward model with another vocabulary reads text, and rows of token ids have none',
    where: `rewards: model, path ${f.path}`,
    fix: 'give prompts as text, or take a reward model with the policy’s vocabulary',
  }),
  rewardModelLong: (f: { path: string; length: number; context: number }) => ({
    what: 'a prompt with its answer is longer than the reward model can see',
    where: `rewards: model, path ${f.path}`,
    got: `${f.length} tokens of its own`,
    expected: `at most ${f.context}`,
    fix: `set data.maxLength or maxNewTokens lower; ${resumable}`,
  }),
  keyMissing: (f: { variable: string }) => ({
    what: 'an environment variable that a reward names is not set',
    where: 'rewards: endpoint, keyVariable',
    got: f.variable,
    fix: `set ${f.variable}, or remove \`keyVariable\``,
  }),
});
