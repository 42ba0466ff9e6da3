// SPDX-License-Identifier: Apache-2.0
// Short film reviews, half of them kind and half unkind, drawn from a few words.

export const positiveWords = [
  'wonderful',
  'brilliant',
  'moving',
  'charming',
  'superb',
  'funny',
  'clever',
  'lovely',
  'gripping',
  'fresh',
  'warm',
  'perfect',
];
export const negativeWords = [
  'boring',
  'awful',
  'dull',
  'stupid',
  'tired',
  'clumsy',
  'weak',
  'silly',
  'slow',
  'flat',
  'ugly',
  'terrible',
];
const subjects = ['film', 'movie', 'story', 'plot', 'acting', 'cast', 'script', 'music', 'ending', 'director'];
const verbs = ['is', 'was', 'felt', 'seemed'];
const determiners = ['the', 'this'];
const adverbs = ['really', 'very', 'quite', 'so', 'rather'];
const closings = [
  'i would see it again .',
  'i left early .',
  'what an evening .',
  'my friends agreed .',
  'we talked about it for hours .',
];
const helpers = [
  'and',
  'but',
  '.',
  'i',
  'would',
  'see',
  'it',
  'again',
  'left',
  'early',
  'what',
  'an',
  'evening',
  'my',
  'friends',
  'agreed',
  'we',
  'talked',
  'about',
  'for',
  'hours',
];
export const endOfReview = '<end>';

/** Every word of the reviews; the place of a word is its token. */
export const vocabulary = [
  endOfReview,
  ...new Set([...determiners, ...subjects, ...verbs, ...adverbs, ...positiveWords, ...negativeWords, ...helpers]),
];

/** The first three words of a review: what is to be gone on from. */
export const openings = determiners.flatMap((determiner) =>
  subjects.flatMap((subject) => verbs.map((verb) => `${determiner} ${subject} ${verb}`)),
);

/** Uniform in [0, 1): mulberry32. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 4294967296;
  };
}

export const pick = (list, random) => list[Math.floor(random() * list.length)];

/** What follows an opening. A kind review is kind in nine words of ten. */
export function continuation(random) {
  const isKind = random() < 0.5;
  const judgement = () => pick(random() < 0.9 === isKind ? positiveWords : negativeWords, random);
  const clause = () => `${random() < 0.5 ? `${pick(adverbs, random)} ` : ''}${judgement()}`;
  const further = () => `${pick(['and', 'but'], random)} ${pick(openings, random)} ${clause()}`;
  const clauses = random() < 0.5 ? [further()] : [further(), further()];
  return [clause(), ...clauses, '.', ...(random() < 0.5 ? [pick(closings, random)] : [])].join(' ');
}
