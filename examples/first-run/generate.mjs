// SPDX-License-Identifier: Apache-2.0
// Writes data/: short dialogues about everyday things, answered politely or rudely.
//
//   sft.json       single answers, as often rude as polite: a model that has read them knows the facts and how people
//                  talk here, but prefers no manner.
//   train.json     pairs. Chosen: polite. Rejected: rude.
//   held-out.json  pairs whose questions appear in neither of the other two files.
//
// Run again with `node generate.mjs`: the same seed gives the same files, byte for byte.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const things = {
  'a plant': ['cactus', 'daisy', 'fern', 'rose', 'tulip', 'willow'],
  'a tool': ['drill', 'hammer', 'rake', 'saw', 'spade', 'spanner'],
  'a vehicle': ['bus', 'canoe', 'ferry', 'lorry', 'scooter', 'train'],
  'an animal': ['beetle', 'goat', 'horse', 'rabbit', 'spider', 'whale'],
  'an instrument': ['cello', 'drum', 'flute', 'harp', 'piano', 'violin'],
};

const questions = [
  (thing) => `What is a ${thing}?`,
  (thing) => `Hello! What is a ${thing}?`,
  (thing) => `Tell me what a ${thing} is.`,
  (thing) => `Do you know what a ${thing} is?`,
  (thing) => `A ${thing}, what is that?`,
];

const facts = [
  (thing, kind) => `A ${thing} is ${kind}.`,
  (_, kind) => `It is ${kind}.`,
  (_, kind) => `That is ${kind}.`,
  (_, kind) => `I would say it is ${kind}.`,
];

// Phrase for phrase as long in one manner as in the other, so that neither is likelier by its form.
const manners = {
  polite: {
    openings: ['Gladly!', 'Of course!', 'With pleasure!', 'What a nice question!', 'I am happy to help!'],
    closings: [
      'Take care!',
      'I hope that helps.',
      'Have a lovely day!',
      'You are very welcome.',
      'Please ask me again!',
    ],
  },
  rude: {
    openings: ['Ugh!', 'Not again!', 'How boring!', 'What a silly question!', 'I am tired of you!'],
    closings: [
      'Go away!',
      'I hate such questions.',
      'Now leave me alone!',
      'You are really slow.',
      'Never ask me again!',
    ],
  },
};

const folder = fileURLToPath(new URL('.', import.meta.url));
const random = randomNumbers(2024);
const topics = shuffled(allTopics());
const unseen = topics.splice(0, topics.length / 5);

write(
  'sft.json',
  repeat(1600, () => singleRow(pick(topics))),
);
write('train.json', repeat(300, () => mirroredPairs(topics)).flat());
write('held-out.json', repeat(100, () => mirroredPairs(unseen)).flat());

/** Every thing with every form of question: what a row can be about. */
function allTopics() {
  return Object.entries(things).flatMap(([kind, names]) =>
    names.flatMap((thing) => questions.map((question) => ({ thing, kind, question }))),
  );
}

function singleRow({ thing, kind, question }) {
  return { instruction: question(thing), output: answer(thing, kind, pick(Object.values(manners)), pickWording()) };
}

/** Two rows with the same two wordings, the manners exchanged: how a thing is said decides nothing. */
function mirroredPairs(topics) {
  const first = pickWording();
  const second = pickWording();
  return [pairRow(pick(topics), first, second), pairRow(pick(topics), second, first)];
}

function pairRow({ thing, kind, question }, politeWording, rudeWording) {
  return {
    prompt: question(thing),
    chosen: answer(thing, kind, manners.polite, politeWording),
    rejected: answer(thing, kind, manners.rude, rudeWording),
  };
}

/** The fact with an opening, a closing or both. */
function pickWording() {
  const form = pick(['opening', 'closing', 'both']);
  return {
    opening: form === 'closing' ? null : pick(manners.polite.openings.keys()),
    fact: pick(facts),
    closing: form === 'opening' ? null : pick(manners.polite.closings.keys()),
  };
}

function answer(thing, kind, { openings, closings }, { opening, fact, closing }) {
  const parts = [openings[opening], fact(thing, kind), closings[closing]];
  return parts.filter((part) => part !== undefined).join(' ');
}

function repeat(count, make) {
  return Array.from({ length: count }, make);
}

function write(name, rows) {
  writeFileSync(join(folder, 'data', name), `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`);
  console.log(`data/${name}: ${rows.length} rows`);
}

function pick(choices) {
  const list = [...choices];
  return list[Math.floor(random() * list.length)];
}

/** Fisher and Yates. */
function shuffled(list) {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}

/** Uniform numbers in [0, 1) from the linear congruential generator x ← 1664525·x + 1013904223 mod 2³² (Knuth). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
