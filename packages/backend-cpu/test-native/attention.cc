// SPDX-License-Identifier: Apache-2.0
// Attention against the score matrix written out.
#include <algorithm>

#include "harness.h"

namespace llmf::test {
namespace {

struct Span {
  int32_t query_start, query_length, key_start, key_length, prefix_start, prefix_length, causal;
  int64_t keys() const { return static_cast<int64_t>(prefix_length) + key_length; }
  int64_t number_of(int64_t query) const { return static_cast<int64_t>(prefix_length) + query + key_length - query_length; }
  int64_t key_row(int64_t key) const { return key < prefix_length ? prefix_start + key : key_start + key - prefix_length; }
};

struct Case {
  int64_t tokens, heads, groups, size, window;
  bool rounds;  // factors are rounded to bf16; the inputs are bf16 numbers then, so scores are exact

  double scale, soft_cap;  // 0: none
  std::vector<Span> spans;
  Floats q, k, v, dy;
  int64_t entries, zero;  // of a bias [heads, entries]; 0: none
  bool by_distance;
  Floats bias;

  double tolerance() const { return rounds ? kRounded : kExact; }
  size_t query(int64_t token, int64_t head) const { return static_cast<size_t>((token * heads + head) * size); }
  size_t key(int64_t token, int64_t head) const {
    return static_cast<size_t>((token * groups + head / (heads / groups)) * size);
  }
  size_t entry(const Span& span, int64_t head, int64_t query, int64_t key) const {
    return static_cast<size_t>(head * entries + key + (by_distance ? zero - span.number_of(query) : 0));
  }
  bool sees(const Span& span, int64_t query, int64_t key) const {
    const int64_t position = span.number_of(query);
    if (span.causal && key > position) return false;
    return window == 0 || (key > position - window && key < position + window);
  }
};

/** Segments one after the other, gaps between some, some with the first one as their prefix. */
Case random_case(Random& random) {
  Case c;
  c.groups = 1 + random.below(3), c.heads = c.groups * (1 + random.below(3)), c.size = 1 + random.below(40);
  c.window = random.chance(30) ? 1 + random.below(50) : 0;
  c.scale = 1 / std::sqrt(static_cast<double>(c.size)), c.soft_cap = random.chance(30) ? random.between(0.5f, 4) : 0;
  const bool shares = random.chance(50) && c.window == 0;
  const int64_t segments = random.size(5);
  c.tokens = random.below(4);
  for (int64_t i = 0; i < segments; i++) {
    const auto length = static_cast<int32_t>(random.chance(15) ? 380 + random.below(30) : 1 + random.below(110));
    const auto start = static_cast<int32_t>(c.tokens);
    const bool has_prefix = shares && i > 0;
    c.spans.push_back({start, length, start, length, has_prefix ? c.spans[0].key_start : 0, has_prefix ? c.spans[0].key_length : 0, random.chance(75)});
    c.tokens += length + (random.chance(20) ? random.below(9) : 0);
  }
  c.q = random.floats(c.tokens * c.heads * c.size, -2, 2), c.dy = random.floats(c.tokens * c.heads * c.size);
  c.k = random.floats(c.tokens * c.groups * c.size, -2, 2), c.v = random.floats(c.tokens * c.groups * c.size);
  c.rounds = random.chance(40);
  int64_t longest = 0;
  for (const Span& span : c.spans) longest = std::max(longest, span.keys());
  c.by_distance = random.chance(50);
  c.zero = c.by_distance ? longest + random.below(3) : 0;
  c.entries = random.chance(40) ? c.zero + longest + random.below(3) : 0;
  c.bias = random.floats(c.heads * c.entries, -2, 2);
  for (Floats* values : {&c.q, &c.k, &c.v, &c.dy}) {
    for (float& value : *values) value = c.rounds ? rounded_to_bf16(value) : value;
  }
  return c;
}

Call& add_shape(Call& call, const Case& c, const Integers& table, int64_t keys) {
  call.number("spanCount", c.spans.size()).in("spans", table)
      .numbers({{"queries", c.tokens}, {"keys", keys}, {"heads", c.heads}, {"groups", c.groups}, {"size", c.size}});
  call.numbers({{"scale", c.scale}, {"softCap", c.soft_cap}, {"window", c.window}, {"entries", c.entries}, {"zero", c.zero}});
  return call.number("byDistance", c.by_distance).in_if(c.entries > 0, "bias", c.bias);
}

Integers table_of(const Case& c) {
  Integers table;
  for (const Span& s : c.spans) {
    table.insert(table.end(),
                 {s.query_start, s.query_length, s.key_start, s.key_length, s.prefix_start, s.prefix_length, s.causal});
  }
  return table;
}

double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/**
 * Calls visit(span, query row, head, scores of its keys, log of their sum of exponentials, slopes of the soft cap there);
 * unseen keys have −∞.
 */
template <class Visit>
void each_query(const Case& c, Visit visit) {
  for (const Span& span : c.spans) {
    for (int64_t i = 0; i < span.query_length; i++) {
      for (int64_t head = 0; head < c.heads; head++) {
        Doubles scores, slopes;
        double total = 0;
        const int64_t row = span.query_start + i;
        for (int64_t j = 0; j < span.keys(); j++) {
          const double product = c.scale * dot(&c.q[c.query(row, head)], &c.k[c.key(span.key_row(j), head)], c.size);
          const double share = c.soft_cap > 0 ? std::tanh(product / c.soft_cap) : 0;
          const double capped = c.soft_cap > 0 ? c.soft_cap * share : product;
          slopes.push_back(1 - share * share);
          const bool sees = c.sees(span, i, j);
          const double bias = sees && c.entries > 0 ? c.bias[c.entry(span, head, i, j)] : 0;
          scores.push_back(sees ? capped + bias : -INFINITY);
          total += std::exp(scores.back());
        }
        visit(span, row, head, scores, std::log(total), slopes);
      }
    }
  }
}

struct Forward {
  Doubles out, log_sum_exp;
};

Forward reference(const Case& c) {
  Forward result{Doubles(c.q.size(), 0), Doubles(static_cast<size_t>(c.tokens * c.heads), 0)};
  each_query(c, [&](const Span& span, int64_t row, int64_t head, const Doubles& scores, double log_total, const Doubles&) {
    result.log_sum_exp[static_cast<size_t>(row * c.heads + head)] = log_total;
    double* const out = &result.out[c.query(row, head)];
    for (int64_t j = 0; j < span.keys(); j++) {
      const double p = std::exp(scores[static_cast<size_t>(j)] - log_total);
      const float* const v = &c.v[c.key(span.key_row(j), head)];
      for (int64_t d = 0; d < c.size; d++) out[d] += p * v[d];
    }
  });
  return result;
}

/** The last query of each span by itself: the same bits. */
void expect_same_when_few(const Case& c, const Floats& out) {
  Case few = c;
  few.q.clear();
  for (size_t s = 0; s < few.spans.size(); s++) {
    Span& span = few.spans[s];
    if (!span.causal && c.window > 0) return;  // its keys end with the queries'
    const size_t first = c.query(span.query_start + span.query_length - 1, 0);
    few.q.insert(few.q.end(), c.q.begin() + first, c.q.begin() + first + c.heads * c.size);
    span.query_start = static_cast<int32_t>(s), span.query_length = 1;
  }
  few.tokens = static_cast<int64_t>(few.spans.size());
  const Integers table = table_of(few);
  Floats some = output(static_cast<int64_t>(few.q.size())), log_sum_exp = output(few.tokens * few.heads);
  Call call("attention");
  add_shape(call, few, table, c.tokens).in("q", few.q).in("k", few.k).in("v", few.v).out("out", some)
      .out("logSumExp", log_sum_exp).number("rounds", few.rounds).run();
  for (size_t s = 0; s < c.spans.size(); s++) {
    const size_t place = c.query(c.spans[s].query_start + c.spans[s].query_length - 1, 0);
    const auto row = some.begin() + static_cast<int64_t>(s) * c.heads * c.size;
    if (!std::equal(row, row + c.heads * c.size, out.begin() + place)) fail("other bits of one query");
  }
}

void attention(Random& random) {
  const Case c = random_case(random);
  const Integers table = table_of(c);
  Floats out = output(static_cast<int64_t>(c.q.size())), log_sum_exp = output(c.tokens * c.heads);
  Call call("attention");
  add_shape(call, c, table, c.tokens).in("q", c.q).in("k", c.k).in("v", c.v).out("out", out).out("logSumExp", log_sum_exp)
      .number("rounds", c.rounds).run();
  const Forward expected = reference(c);
  expect_close("out", out, expected.out, c.tolerance());
  expect_same_when_few(c, out);
  Floats of_spans;  // outside of all spans it is not defined
  Doubles of_reference;
  for (const Span& span : c.spans) {
    for (int64_t i = span.query_start * c.heads; i < (span.query_start + span.query_length) * c.heads; i++) {
      of_spans.push_back(log_sum_exp[static_cast<size_t>(i)]);
      of_reference.push_back(expected.log_sum_exp[static_cast<size_t>(i)]);
    }
  }
  expect_close("logSumExp", of_spans, of_reference, c.tolerance());
}

void attention_gradient(Random& random) {
  const Case c = random_case(random);
  const Integers table = table_of(c);
  const Forward forward = reference(c);
  const Floats out(forward.out.begin(), forward.out.end());
  const Floats log_sum_exp(forward.log_sum_exp.begin(), forward.log_sum_exp.end());
  Floats dq = output(static_cast<int64_t>(c.q.size()));
  Floats dk = output(static_cast<int64_t>(c.k.size())), dv = output(static_cast<int64_t>(c.v.size()));
  Call call("attentionGradient");
  add_shape(call, c, table, c.tokens).in("dy", c.dy).in("q", c.q).in("k", c.k).in("v", c.v).in("out", out)
      .in("logSumExp", log_sum_exp).out("dq", dq).out("dk", dk).out("dv", dv);
  Floats d_bias = output(c.heads * c.entries);
  if (c.entries > 0) call.out("dBias", d_bias);
  call.number("rounds", c.rounds).run();
  Doubles of_bias(c.bias.size(), 0), of_q(c.q.size(), 0), of_k(c.k.size(), 0), of_v(c.v.size(), 0);
  each_query(c, [&](const Span& span, int64_t row, int64_t head, const Doubles& scores, double log_total, const Doubles& slopes) {
    const size_t at = c.query(row, head);
    double inner = 0;
    for (int64_t d = 0; d < c.size; d++) inner += c.dy[at + static_cast<size_t>(d)] * forward.out[at + static_cast<size_t>(d)];
    for (int64_t j = 0; j < span.keys(); j++) {
      const double p = std::exp(scores[static_cast<size_t>(j)] - log_total);
      const size_t key = c.key(span.key_row(j), head);
      const double slope = p * (dot(&c.dy[at], &c.v[key], c.size) - inner), ds = c.scale * slope * slopes[static_cast<size_t>(j)];
      if (c.entries > 0 && p > 0) of_bias[c.entry(span, head, row - span.query_start, j)] += slope;
      for (size_t d = 0; d < static_cast<size_t>(c.size); d++) {
        of_q[at + d] += ds * c.k[key + d];
        of_k[key + d] += ds * c.q[at + d];
        of_v[key + d] += p * c.dy[at + d];
      }
    }
  });
  expect_close("dq", dq, of_q, c.tolerance());
  expect_close("dk", dk, of_k, c.tolerance());
  expect_close("dv", dv, of_v, c.tolerance());
  expect_close("dBias", d_bias, of_bias, c.tolerance());
}

}  // namespace

std::vector<Test> attention_tests() { return {{"attention", attention}, {"attentionGradient", attention_gradient}}; }

}  // namespace llmf::test
