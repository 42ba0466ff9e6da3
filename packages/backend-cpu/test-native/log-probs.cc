// SPDX-License-Identifier: Apache-2.0
// Log-probabilities of selected tokens against whole rows of logits.
#include <algorithm>

#include "harness.h"

namespace llmf::test {
namespace {

struct Case {
  int64_t tokens, columns, vocabulary, selected;
  float soft_cap, temperature;  // cap 0: none
  bool with_bias, with_entropy, with_squared, rounds;
  Floats hidden, bias;
  Weight head;
  Integers rows, targets;
  Doubles z;  // [selected, vocabulary]

  const double* logits(int64_t s) const { return z.data() + s * vocabulary; }
  double tolerance() const { return rounds ? kRounded : kExact; }
  /** Of the cap at a logit. */
  double slope(double logit) const {
    const double share = soft_cap > 0 ? logit * temperature / soft_cap : 0;
    return 1 - share * share;
  }
  bool can_keep() const { return rounds && !with_entropy && !with_squared && soft_cap == 0; }
};

Case random_case(Random& random) {
  Case c;
  c.tokens = 1 + random.below(60), c.columns = 1 + random.below(50);
  c.vocabulary = random.chance(15) ? 4097 + random.below(300) : 1 + random.below(700);
  c.selected = random.chance(4) ? 1025 + random.below(40) : random.size(50);
  c.soft_cap = random.chance(30) ? random.between(0.5f, 4) : 0;
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
      c.z.push_back((c.soft_cap > 0 ? c.soft_cap * std::tanh(sum / c.soft_cap) : sum) / c.temperature);
    }
  }
  return c;
}

Call& add_selection(Call& call, const Case& c) {
  call.numbers({{"tokens", c.tokens}, {"columns", c.columns}, {"vocabulary", c.vocabulary}, {"selected", c.selected}, {"softCap", c.soft_cap}, {"temperature", c.temperature}})
      .in("hidden", c.hidden).in("head", c.head);
  return call.in_if(c.with_bias, "bias", c.bias).in("rows", c.rows).in("targets", c.targets).number("rounds", c.rounds);
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
  add_selection(call, c).out("logProb", log_prob).out("logSumExp", log_sum_exp).number("keptRow", 0);
  call.out_if(c.with_entropy, "entropy", entropy).out_if(c.with_squared, "squared", squared).run();
  const Statistics expected = reference(c);
  expect_close("logProb", log_prob, expected.log_prob, c.tolerance());
  expect_close("logSumExp", log_sum_exp, expected.log_sum_exp, c.tolerance());
  if (c.with_entropy) expect_close("entropy", entropy, expected.entropy, c.tolerance());
  if (c.with_squared) expect_close("squared", squared, expected.squared, c.tolerance());
}

struct Gradients {
  Floats hidden, head, bias;
};

/** What is kept of the logits gives the same bits as logits computed again. */
void expect_same_when_kept(const Case& c, const Floats& g) {
  const int64_t kept_row = (c.vocabulary + 127) / 128 * 65;
  Integers kept(static_cast<size_t>(c.selected * kept_row), -1);
  Floats log_prob = output(c.selected), log_sum_exp = log_prob;
  Call call("selectedLogProbs");
  add_selection(call, c).out("logProb", log_prob).out("logSumExp", log_sum_exp).number("keptRow", kept_row).out("keep", kept).run();
  const auto gradients = [&](bool with_kept) {
    Gradients result{output(c.tokens * c.columns), output(c.vocabulary * c.columns), output(c.vocabulary)};
    Call back("selectedLogProbsGradient");
    add_selection(back, c).in("dLogProb", g).in("logProb", log_prob).in("logSumExp", log_sum_exp)
        .number("keptRow", with_kept ? kept_row : 0);
    if (with_kept) back.in("kept", kept);
    back.out("dHidden", result.hidden).out("dHead", result.head).out_if(c.with_bias, "dBias", result.bias).run();
    return result;
  };
  const Gradients some = gradients(true), others = gradients(false);
  if (some.hidden != others.hidden || some.head != others.head) fail("other bits of what was kept");
  if (c.with_bias && some.bias != others.bias) fail("other bits of the bias of what was kept");
}

void selected_log_probs_gradient(Random& random) {
  const Case c = random_case(random);
  const bool wants_head = random.chance(50), wants_bias = c.with_bias && wants_head, of_log_prob = random.chance(85);
  const Statistics at = reference(c);
  const auto floats = [](const Doubles& values) { return Floats(values.begin(), values.end()); };
  const Floats g = random.floats(c.selected), g_entropy = random.floats(c.selected), g_squared = random.floats(c.selected);
  const Floats log_prob = floats(at.log_prob), log_sum_exp = floats(at.log_sum_exp), entropy = floats(at.entropy), squared = floats(at.squared);
  Floats d_hidden = output(c.tokens * c.columns), d_head = output(c.vocabulary * c.columns), d_bias = output(c.vocabulary);
  Call call("selectedLogProbsGradient");
  add_selection(call, c).in_if(of_log_prob, "dLogProb", g).in("logProb", log_prob).in("logSumExp", log_sum_exp);
  call.number("keptRow", 0).in_if(c.with_entropy, "dEntropy", g_entropy).in_if(c.with_squared, "dSquared", g_squared);
  call.in_if(c.with_entropy, "entropy", entropy).in_if(c.with_squared, "squared", squared);
  call.out("dHidden", d_hidden).out_if(wants_head, "dHead", d_head).out_if(wants_bias, "dBias", d_bias).run();
  if (c.can_keep()) expect_same_when_kept(c, g);

  Doubles of_hidden(d_hidden.size(), 0), of_head(d_head.size(), 0), of_bias(d_bias.size(), 0);
  for (int64_t s = 0; s < c.selected; s++) {
    const size_t i = static_cast<size_t>(s), row = static_cast<size_t>(c.rows[i] * c.columns);
    for (int64_t v = 0; v < c.vocabulary; v++) {
      const double log_p = c.logits(s)[v] - at.log_sum_exp[i], p = std::exp(log_p);
      double dz = of_log_prob ? g[i] * ((v == c.targets[i] ? 1 : 0) - p) : 0;
      if (c.with_entropy) dz -= g_entropy[i] * p * (log_p + at.entropy[i]);
      if (c.with_squared) dz += 2 * g_squared[i] * (p * p / std::exp(at.squared[i]) - p);
      dz *= c.slope(c.logits(s)[v]) / c.temperature;
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
  add_selection(call, c).out("logProb", log_prob).out("slope", slope).run();
  const Statistics at = reference(c);
  Doubles expected(slope.size(), 0);
  for (int64_t s = 0; s < c.selected; s++) {
    const size_t i = static_cast<size_t>(s);
    for (int64_t v = 0; v < c.vocabulary; v++) {
      const double p = std::exp(c.logits(s)[v] - at.log_sum_exp[i]);
      const double share = ((v == c.targets[i] ? 1 : 0) - p) * c.slope(c.logits(s)[v]);
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

/** Options of a choice among the tokens of a row. */
struct Choice {
  float temperature, top_p, min_p, penalty;
  int64_t top_k;
};

struct Likely {
  double p;
  int32_t id;
};

/** What the options leave of a row, in the order in which draws pass it. */
std::vector<Likely> left_of(const Choice& of, const float* z, int64_t count, const Integers& seen, const Integers& banned) {
  std::vector<Likely> all;
  for (int32_t id = 0; id < count; id++) {
    const auto in = [id](const Integers& list) { return std::find(list.begin(), list.end(), id) != list.end(); };
    const double penalized = z[id] < 0 ? z[id] * of.penalty : z[id] / of.penalty;
    all.push_back({in(banned) ? -INFINITY : in(seen) ? penalized : z[id], id});
  }
  std::vector<Likely> sorted = all;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Likely& a, const Likely& b) { return a.p > b.p; });
  const double most = sorted[0].p;
  if (of.temperature == 0) return {{1, sorted[0].id}};
  const bool limits = of.top_k > 0 || of.top_p < 1 || of.min_p > 0;
  std::vector<Likely> left = limits ? sorted : all;
  for (Likely& token : left) token.p = std::exp((token.p - most) / of.temperature);
  if (of.top_k > 0 && of.top_k < count) left.resize(static_cast<size_t>(of.top_k));
  double total = 0, sum = 0;
  for (const Likely& token : left) total += token.p;
  for (size_t i = 0; of.top_p < 1 && i < left.size(); i++) {
    sum += left[i].p / total;
    if (sum >= of.top_p) left.resize(i + 1);
  }
  left.erase(std::remove_if(left.begin(), left.end(), [&](const Likely& token) { return token.p < of.min_p; }), left.end());
  return left;
}

/** Does the draw fall on the token, within the rounding of float32? */
bool falls_on(const std::vector<Likely>& left, double draw, int32_t id) {
  constexpr double kRoundingOfSums = 1e-5;
  double total = 0, before = 0;
  for (const Likely& token : left) total += token.p;
  for (const Likely& token : left) {
    const double after = before + token.p / total;
    if (token.id == id) return token.p > 0 && draw > before - kRoundingOfSums && draw < after + kRoundingOfSums;
    before = after;
  }
  return false;
}

void sample_tokens(Random& random) {
  const int64_t rows = random.below(5), vocabulary = random.chance(20) ? 4000 + random.below(300) : 2 + random.below(400);
  const Choice of{random.chance(20) ? 0 : random.between(0.3f, 2), random.chance(50) ? 1 : random.between(0.2f, 1),
                  random.chance(60) ? 0 : random.between(0, 0.3f), random.chance(50) ? 1 : random.between(0.7f, 1.5f),
                  random.chance(50) ? 0 : 1 + random.below(60)};
  const Floats logits = random.floats(rows * vocabulary, -6, 6), draws = random.floats(rows, 0, 1);
  Integers starts(static_cast<size_t>(rows + 1)), seen, banned;
  for (int64_t row = 0; row < rows; row++) {
    starts[static_cast<size_t>(row + 1)] = static_cast<int32_t>(row + 1);
    seen.push_back(static_cast<int32_t>(random.below(vocabulary))), banned.push_back(static_cast<int32_t>(random.below(vocabulary)));
  }
  Integers ids(static_cast<size_t>(rows), -2);
  Floats log_prob = output(rows);
  Call("sampleTokens")
      .numbers({{"rows", rows}, {"vocabulary", vocabulary}, {"temperature", of.temperature}, {"topK", of.top_k}, {"topP", of.top_p}, {"minP", of.min_p}, {"repetitionPenalty", of.penalty}})
      .numbers({{"seenCount", rows}, {"bannedCount", rows}}).in("logits", logits).in("draws", draws)
      .in("seenStarts", starts).in("seen", seen).in("bannedStarts", starts).in("banned", banned)
      .out("ids", ids).out("logProb", log_prob).run();
  Doubles expected;
  for (int64_t row = 0; row < rows; row++) {
    const size_t at = static_cast<size_t>(row);
    const float* const z = logits.data() + row * vocabulary;
    double total = 0;
    for (int64_t v = 0; v < vocabulary; v++) total += std::exp(static_cast<double>(z[v]));
    const bool exists = ids[at] >= 0 && ids[at] < vocabulary;
    expected.push_back(exists ? z[ids[at]] - std::log(total) : 0);
    if (!falls_on(left_of(of, z, vocabulary, {seen[at]}, {banned[at]}), draws[at], ids[at])) fail("a token that was not drawn");
  }
  expect_close("logProb", log_prob, expected, kExact);
}

}  // namespace

std::vector<Test> log_prob_tests() {
  return {{"selectedLogProbs", selected_log_probs},
          {"selectedLogProbsGradient", selected_log_probs_gradient},
          {"selectedLogProbsSlope", selected_log_probs_slope},
          {"sampleTokens", sample_tokens}};
}

}  // namespace llmf::test
