// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts: routing and combining against their definitions, grouped products against each group by itself.
#include <algorithm>

#include "harness.h"

namespace llmf::test {
namespace {

/** A place of its own for each slot. */
Integers permutation(Random& random, int64_t count) {
  Integers places(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; i++) places[static_cast<size_t>(i)] = static_cast<int32_t>(i);
  for (int64_t i = count - 1; i > 0; i--) std::swap(places[static_cast<size_t>(i)], places[static_cast<size_t>(random.below(i + 1))]);
  return places;
}

struct Combined {
  int64_t tokens, per_token, columns;
  Floats rows, weights, dy;
  Integers places;

  explicit Combined(Random& random)
      : tokens(random.size(40)), per_token(1 + random.below(4)), columns(random.size(70)),
        rows(random.floats(tokens * per_token * columns)), weights(random.floats(tokens * per_token)),
        dy(random.floats(tokens * columns)), places(permutation(random, tokens * per_token)) {}
  Call& add(Call& call) const {
    return call.numbers({{"tokens", tokens}, {"perToken", per_token}, {"columns", columns}}).in("rows", rows)
        .in("weights", weights).in("places", places);
  }
  size_t row(int64_t slot, int64_t column) const {
    return static_cast<size_t>(places[static_cast<size_t>(slot)] * columns + column);
  }
};

void combine_experts(Random& random) {
  const Combined c(random);
  Floats y = output(c.tokens * c.columns);
  Call call("combineExperts");
  c.add(call).out("y", y).run();
  Doubles expected(y.size(), 0);
  for (int64_t slot = 0; slot < c.tokens * c.per_token; slot++) {
    for (int64_t i = 0; i < c.columns; i++) {
      expected[static_cast<size_t>(slot / c.per_token * c.columns + i)] += static_cast<double>(c.weights[static_cast<size_t>(slot)]) * c.rows[c.row(slot, i)];
    }
  }
  expect_close("y", y, expected, kExact);
}

void combine_experts_gradient(Random& random) {
  const Combined c(random);
  Floats d_rows = output(c.tokens * c.per_token * c.columns), d_weights = output(c.tokens * c.per_token);
  Call call("combineExpertsGradient");
  c.add(call).in("dy", c.dy).out("dRows", d_rows).out("dWeights", d_weights).run();
  Doubles of_rows(d_rows.size(), 0), of_weights(d_weights.size(), 0);
  for (int64_t slot = 0; slot < c.tokens * c.per_token; slot++) {
    for (int64_t i = 0; i < c.columns; i++) {
      const double dy = c.dy[static_cast<size_t>(slot / c.per_token * c.columns + i)];
      of_rows[c.row(slot, i)] = c.weights[static_cast<size_t>(slot)] * dy;
      of_weights[static_cast<size_t>(slot)] += dy * c.rows[c.row(slot, i)];
    }
  }
  expect_close("dRows", d_rows, of_rows, kExact);
  expect_close("dWeights", d_weights, of_weights, kExact);
}

void route_tokens(Random& random) {
  const int64_t tokens = random.size(50), experts = 1 + random.below(40), per_token = 1 + random.below(std::min<int64_t>(experts, 4));
  Floats probabilities = random.floats(tokens * experts, 0, 1);
  for (float& p : probabilities) p = random.chance(20) ? 0.5f : p;  // equal ones
  const size_t slots = static_cast<size_t>(tokens * per_token);
  Integers chosen(slots, -1), cells(slots, -1), places(slots, -1), rows(slots, -1), starts(static_cast<size_t>(experts + 1), -1);
  Call("routeTokens").numbers({{"tokens", tokens}, {"experts", experts}, {"perToken", per_token}})
      .in("probabilities", probabilities).out("chosen", chosen).out("cells", cells).out("places", places).out("rows", rows)
      .out("starts", starts).run();
  Integers expected, order(static_cast<size_t>(experts));
  for (int64_t t = 0; t < tokens; t++) {
    for (int32_t e = 0; e < experts; e++) order[static_cast<size_t>(e)] = e;
    const float* const row = probabilities.data() + t * experts;
    std::stable_sort(order.begin(), order.end(), [row](int32_t a, int32_t b) { return row[a] > row[b]; });
    expected.insert(expected.end(), order.begin(), order.begin() + per_token);
  }
  if (chosen != expected) return fail("other experts than the likeliest");
  Integers place(slots), row(slots), start(1, 0);
  for (int32_t e = 0, next = 0; e < experts; e++) {
    for (size_t slot = 0; slot < slots; slot++) {
      if (chosen[slot] != e) continue;
      row[static_cast<size_t>(next)] = static_cast<int32_t>(static_cast<int64_t>(slot) / per_token);
      place[slot] = next++;
    }
    start.push_back(next);
  }
  if (places != place || rows != row || starts != start) fail("slots in another order");
  for (size_t slot = 0; slot < slots; slot++) {
    if (cells[slot] != static_cast<int64_t>(slot) / per_token * experts + chosen[slot]) return fail("another cell");
  }
}

/** Layers of groups, some of which have no rows. */
struct Groups {
  int64_t groups, rows = 0, inputs, outputs, rank;
  bool rounds;
  float scale = 0.5f;
  Integers starts{0};
  Floats x, dy;
  std::vector<Weight> weights;
  std::vector<Floats> a, b;

  explicit Groups(Random& random, bool needs_rank = false)
      : groups(1 + random.below(9)), inputs(1 + random.below(70)), outputs(1 + random.below(60)),
        rank(needs_rank || random.chance(50) ? 1 + random.below(9) : 0), rounds(random.chance(50)) {
    for (int64_t g = 0; g < groups; g++) {
      rows += random.chance(25) ? 0 : 1 + random.below(30);
      starts.push_back(static_cast<int32_t>(rows));
      weights.push_back(random_weight(random, outputs * inputs));
      rounds = rounds || weights.back().is_bf16;
      a.push_back(random.floats(rank * inputs)), b.push_back(random.floats(outputs * rank));
    }
    x = random.floats(rows * inputs), dy = random.floats(rows * outputs);
  }
  int64_t count(int64_t group) const { return starts[static_cast<size_t>(group + 1)] - starts[static_cast<size_t>(group)]; }
  Floats part(const Floats& of, int64_t group, int64_t width) const {
    return {of.begin() + starts[static_cast<size_t>(group)] * width, of.begin() + starts[static_cast<size_t>(group + 1)] * width};
  }
  Call& add(Call& call) const {
    return call.numbers({{"groups", groups}, {"rows", rows}, {"inputs", inputs}, {"outputs", outputs}, {"rounds", rounds}})
        .in("starts", starts);
  }
  Call& add_layers(Call& call) const {
    add(call).numbers({{"rank", rank}, {"scale", scale}}).in("weights", weights);
    return rank > 0 ? call.in("a", a).in("b", b) : call;
  }
  /** The same layer by itself, for the rows of one group. */
  Call& add_alone(Call& call, int64_t group) const {
    const size_t g = static_cast<size_t>(group);
    call.numbers({{"tokens", count(group)}, {"inputs", inputs}, {"outputs", outputs}, {"rank", rank}, {"scale", scale}, {"rounds", rounds}});
    return call.in_if(rank > 0, "a", a[g]).in_if(rank > 0, "b", b[g]);
  }
};

void expect_part(const Groups& c, int64_t group, int64_t width, const Floats& whole, const Floats& alone, const char* what) {
  if (c.part(whole, group, width) != alone) fail(std::string("other bits than alone: ") + what);
}

void grouped_linear(Random& random) {
  const Groups c(random);
  Floats y = output(c.rows * c.outputs);
  Call call("groupedLinear");
  c.add_layers(call).in("x", c.x).out("y", y).run();
  for (int64_t g = 0; g < c.groups; g++) {
    Floats alone = output(c.count(g) * c.outputs);
    const Floats x = c.part(c.x, g, c.inputs);
    Call one("linear");
    c.add_alone(one, g).in("x", x).in("weight", c.weights[static_cast<size_t>(g)]).out("y", alone).run();
    expect_part(c, g, c.outputs, y, alone, "y");
  }
}

void grouped_linear_input_gradient(Random& random) {
  const Groups c(random);
  Floats dx = output(c.rows * c.inputs);
  Call call("groupedLinearInputGradient");
  c.add_layers(call).in("dy", c.dy).out("dx", dx).run();
  for (int64_t g = 0; g < c.groups; g++) {
    Floats alone = output(c.count(g) * c.inputs);
    const Floats dy = c.part(c.dy, g, c.outputs);
    Call one("linearInputGradient");
    c.add_alone(one, g).in("dy", dy).in("weight", c.weights[static_cast<size_t>(g)]).out("dx", alone).run();
    expect_part(c, g, c.inputs, dx, alone, "dx");
  }
}

void grouped_linear_weight_gradient(Random& random) {
  const Groups c(random);
  std::vector<Floats> d_weights(static_cast<size_t>(c.groups), output(c.outputs * c.inputs));
  Call call("groupedLinearWeightGradient");
  c.add(call).in("dy", c.dy).in("x", c.x).out("dWeights", d_weights).run();
  for (int64_t g = 0; g < c.groups; g++) {
    Floats alone(static_cast<size_t>(c.outputs * c.inputs), 0);
    const Floats x = c.part(c.x, g, c.inputs), dy = c.part(c.dy, g, c.outputs);
    if (c.count(g) > 0) {
      Call("linearWeightGradient").numbers({{"tokens", c.count(g)}, {"inputs", c.inputs}, {"outputs", c.outputs}, {"rounds", c.rounds}})
          .in("dy", dy).in("x", x).out("dWeight", alone).run();
    }
    if (d_weights[static_cast<size_t>(g)] != alone) fail("other bits than alone: dWeight");
  }
}

void grouped_linear_low_rank_gradient(Random& random) {
  const Groups c(random, true);
  std::vector<Floats> d_a(static_cast<size_t>(c.groups), output(c.rank * c.inputs)), d_b(static_cast<size_t>(c.groups), output(c.outputs * c.rank));
  Call call("groupedLinearLowRankGradient");
  c.add(call).numbers({{"rank", c.rank}, {"scale", c.scale}}).in("dy", c.dy).in("x", c.x).in("a", c.a).in("b", c.b)
      .out("dA", d_a).out("dB", d_b).run();
  for (int64_t g = 0; g < c.groups; g++) {
    Floats alone_a(static_cast<size_t>(c.rank * c.inputs), 0), alone_b(static_cast<size_t>(c.outputs * c.rank), 0);
    const Floats x = c.part(c.x, g, c.inputs), dy = c.part(c.dy, g, c.outputs);
    if (c.count(g) > 0) {
      Call one("linearLowRankGradient");
      c.add_alone(one, g).in("dy", dy).in("x", x).out("dA", alone_a).out("dB", alone_b).run();
    }
    if (d_a[static_cast<size_t>(g)] != alone_a || d_b[static_cast<size_t>(g)] != alone_b) fail("other bits than alone: dA, dB");
  }
}

}  // namespace

std::vector<Test> expert_tests() {
  return {{"combineExperts", combine_experts},
          {"combineExpertsGradient", combine_experts_gradient},
          {"routeTokens", route_tokens},
          {"groupedLinear", grouped_linear},
          {"groupedLinearInputGradient", grouped_linear_input_gradient},
          {"groupedLinearWeightGradient", grouped_linear_weight_gradient},
          {"groupedLinearLowRankGradient", grouped_linear_low_rank_gradient}};
}

}  // namespace llmf::test
