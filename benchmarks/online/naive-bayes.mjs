// SPDX-License-Identifier: Apache-2.0
/**
 * A judge of another kind: naive Bayes over the words and pairs of words that a text holds (Bernoulli counts, Laplace's 1).
 *
 * @param texts `{ text, label }`, label 1 or 0
 * @returns P(label 1 | text)
 */
export function naiveBayes(texts) {
  const counts = [new Map(), new Map()];
  const seen = [0, 0];
  for (const { text, label } of texts) {
    seen[label]++;
    for (const each of features(text)) counts[label].set(each, (counts[label].get(each) ?? 0) + 1);
  }
  const known = new Set([...counts[0].keys(), ...counts[1].keys()]);
  const totals = counts.map((of) => [...of.values()].reduce((sum, each) => sum + each, known.size));
  const weight = (each) =>
    Math.log(((counts[1].get(each) ?? 0) + 1) / totals[1]) - Math.log(((counts[0].get(each) ?? 0) + 1) / totals[0]);
  return (text) => {
    const evidence = [...features(text)].filter((each) => known.has(each)).reduce((sum, each) => sum + weight(each), 0);
    return 1 / (1 + Math.exp(-Math.log(seen[1] / seen[0]) - evidence));
  };
}

function features(text) {
  const words = text.split(' ');
  return new Set([...words, ...words.slice(1).map((word, at) => `${words[at]} ${word}`)]);
}
