// SPDX-License-Identifier: Apache-2.0
// The share of kind words among the words of an answer that judge; 0.5 where none does.
import { negativeWords, positiveWords } from './reviews.mjs';

const count = (words, list) => words.filter((word) => list.includes(word)).length;

export default (samples) =>
  samples.map(({ answer }) => {
    const words = answer.split(' ');
    const [kind, unkind] = [count(words, positiveWords), count(words, negativeWords)];
    return kind + unkind === 0 ? 0.5 : kind / (kind + unkind);
  });
