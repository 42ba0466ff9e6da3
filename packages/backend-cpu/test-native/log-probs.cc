// SPDX-License-Identifier: Apache-2.0
// Log-probabilities of selected tokens against whole rows of logits.
#include "harness.h"

namespace llmf::test {
namespace {

struct Case {
  int64_t tokens, columns, vocabulary, selected;
  float temperature;
  bool with_bias, with_entropy, with_squared, rounds;
  Floats hidden, bias;
  Weight head;
  Integers rows, targets;
  Doubles z;  // [selected, vocabulary]

  const double* logits(int64_t s) const { return z.data() + s * vocabulary; }
  double tolerance() const { return rounds ? kRounded : kExact; }
};

Case random_case(Random& random) {
  Case c;
  c.tokens = 1 + random.below(60), c.columns = 1 + random.below(50);
  c.vocabulary = random.chance(15) ? 4097 + random.below(300) : 1 + random.below(700);
  c.selected = random.chance(4) ? 1025 + random.below(40) : random.size(50);
  c.temperature = random.chance(50) ? 1.0f : random.between(0.5f, 2);
  c.with_bias = random.chance(50), c.with_entropy = random.chance(50), c.with_squared = random.chance(50);
  c.hidden = random.floats(c.tokens * c.columns), c.bias = random.floats(c.vocabulary);
  c.head = random_weight(random, c.vocabulary * c.columns);
  c.rounds = c.head.is_bf16 || random.chance(25);
  c.rows = random.integers(c.selected, c.tokens), c.targets = random.integers(c.selected, c.vocabulary);
  for (const int32_t row : c.rows) {
    for (int64_t v = 0; v < c.vocabulary; v++) {
      double sum = c.with_bias ? c.bias[static_cast<size_t>(v)] : 0;
      for (int64_t i = 0; i < c.columns; i++) {
        const float h = c.hidden[static_cast<size_t>(row * c.columns + i)];
        const float w = c.head.values[static_cast<size_t>(v * c.columns + i)];
        sum += c.rounds ? static_cast<double>(rounded_to_bf16(h)) * rounded_to_bf16(w) : static_cast<double>(h) * w;
      }
      c.z.push_back(sum / c.temperature);
    }
  }
  return c;
}

struct Statistics {
  Doubles log_prob, log_sum_exp, entropy, squared;
};

Statistics reference(const Case& c) {
  Statistics result;
  for (int64_t s = 0; s < c.selected; s++) {
    double total = 0, weighted = 0, squares = 0;
    for (int64_t v = 0; v < c.vocabulary; v++) total += std::exp(c.logits(s)[v]);
    const double normalizer = std::log(total);
    for (int64_t v = 0; v < c.vocabulary; v++) {
      const double log_p = c.logits(s)[v] - normalizer;
      weighted -= std::exp(log_p) * log_p, squares += std::exp(2 * log_p);
    }
    result.log_prob.push_back(c.logits(s)[c.targets[static_cast<size_t>(s)]] - normalizer);
    result.log_sum_exp.push_back(normalizer);
    result.entropy.push_back(weighted), result.squared.push_back(std::log(squares));
  }
  return result;
}

void selected_log_probs(Random& random) {
  const Case c = random_case(random);
  Floats log_prob = output(c.selected), log_sum_exp = log_prob, entropy = log_prob, squared = log_prob;
  Call call("selectedLogProbs");
  call.numbers({{"tokens", c.tokens}, {"columns", c.columns}, {"vocabulary", c.vocabulary}, {"selected", c.selected}, {"temperature", c.temperature}})
      .in("hidden", c.hidden).in("head", c.head);
  call.in_if(c.with_bias, "bias", c.bias).in("rows", c.rows).in("targets", c.targets).out("logProb", log_prob)
      .out("logSumExp", log_sum_exp);
  call.out_if(c.with_entropy, "entropy", entropy).out_if(c.with_squared, "squared", squared).number("rounds", c.rounds)
      .run();
  const Statistics expected = reference(c);
  expect_close("logProb", log_prob, expected.log_prob, c.tolerance());
  expect_close("logSumExp", log_sum_exp, expected.log_sum_exp, c.tolerance());
  if (c.with_entropy) expect_close("entropy", entropy, expected.entropy, c.tolerance());
  if (c.with_squared) expect_close("squared", squared, expected.squared, c.tolerance());
}

void selected_log_probs_gradient(Random& random) {
  const Case c = random_case(random);
  const bool wants_head = random.chance(50), wants_bias = c.with_bias && wants_head, of_log_prob = random.chance(85);
  const Statistics at = reference(c);
  const auto floats = [](const Doubles& values) { return Floats(values.begin(), values.end()); };
  const Floats g = random.floats(c.selected), g_entropy = random.floats(c.selected), g_squared = random.floats(c.selected);
  const Floats log_sum_exp = floats(at.log_sum_exp), entropy = floats(at.entropy), squared = floats(at.squared);
  Floats d_hidden = output(c.tokens * c.columns), d_head = output(c.vocabulary * c.columns), d_bias = output(c.vocabulary);
  Call call("selectedLogProbsGradient");
  call.numbers({{"tokens", c.tokens}, {"columns", c.columns}, {"vocabulary", c.vocabulary}, {"selected", c.selected}, {"temperature", c.temperature}})
      .in_if(of_log_prob, "dLogProb", g);
  call.in_if(c.with_entropy, "dEntropy", g_entropy).in_if(c.with_squared, "dSquared", g_squared).in("hidden", c.hidden)
      .in("head", c.head);
  call.in_if(c.with_bias, "bias", c.bias).in("rows", c.rows).in("targets", c.targets).in("logSumExp", log_sum_exp);
  call.in_if(c.with_entropy, "entropy", entropy).in_if(c.with_squared, "squared", squared);
  call.out("dHidden", d_hidden).out_if(wants_head, "dHead", d_head).out_if(wants_bias, "dBias", d_bias)
      .number("rounds", c.rounds).run();

  Doubles of_hidden(d_hidden.size(), 0), of_head(d_head.size(), 0), of_bias(d_bias.size(), 0);
  for (int64_t s = 0; s < c.selected; s++) {
    const size_t i = static_cast<size_t>(s), row = static_cast<size_t>(c.rows[i] * c.columns);
    for (int64_t v = 0; v < c.vocabulary; v++) {
      const double log_p = c.logits(s)[v] - at.log_sum_exp[i], p = std::exp(log_p);
      double dz = of_log_prob ? g[i] * ((v == c.targets[i] ? 1 : 0) - p) : 0;
      if (c.with_entropy) dz -= g_entropy[i] * p * (log_p + at.entropy[i]);
      if (c.with_squared) dz += 2 * g_squared[i] * (p * p / std::exp(at.squared[i]) - p);
      dz /= c.temperature;
      of_bias[static_cast<size_t>(v)] += dz;
      const size_t word = static_cast<size_t>(v * c.columns);
      for (size_t d = 0; d < static_cast<size_t>(c.columns); d++) {
        of_hidden[row + d] += dz * c.head.values[word + d];
        of_head[word + d] += dz * c.hidden[row + d];
      }
    }
  }
  expect_close("dHidden", d_hidden, of_hidden, c.tolerance());
  if (wants_head) expect_close("dHead", d_head, of_head, c.tolerance());
  if (wants_bias) expect_close("dBias", d_bias, of_bias, c.tolerance());
}

void selected_log_probs_slope(Random& random) {
  const Case c = random_case(random);
  Floats log_prob = output(c.selected), slope = output(c.selected * c.columns);
  Call call("selectedLogProbsSlope");
  call.numbers({{"tokens", c.tokens}, {"columns", c.columns}, {"vocabulary", c.vocabulary}, {"selected", c.selected}, {"temperature", c.temperature}})
      .in("hidden", c.hidden).in("head", c.head);
  call.in_if(c.with_bias, "bias", c.bias).in("rows", c.rows).in("targets", c.targets).out("logProb", log_prob)
      .out("slope", slope).number("rounds", c.rounds).run();
  const Statistics at = reference(c);
  Doubles expected(slope.size(), 0);
  for (int64_t s = 0; s < c.selected; s++) {
    const size_t i = static_cast<size_t>(s);
    for (int64_t v = 0; v < c.vocabulary; v++) {
      const double p = std::exp(c.logits(s)[v] - at.log_sum_exp[i]), share = (v == c.targets[i] ? 1 : 0) - p;
      for (int64_t d = 0; d < c.columns; d++) {
        const float weight = c.head.values[static_cast<size_t>(v * c.columns + d)];
        const double used = c.rounds ? rounded_to_bf16(weight) : weight;
        expected[static_cast<size_t>(s * c.columns + d)] += share * used / c.temperature;
      }
    }
  }
  expect_close("logProb", log_prob, at.log_prob, c.tolerance());
  expect_close("slope", slope, expected, c.tolerance());
}

}  // namespace

std::vector<Test> log_prob_tests() {
  return {{"selectedLogProbs", selected_log_probs},
          {"selectedLogProbsGradient", selected_log_probs_gradient},
          {"selectedLogProbsSlope", selected_log_probs_slope}};
}

}  // namespace llmf::test
