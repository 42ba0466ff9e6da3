// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "harness.h"

namespace llmf::test {
namespace {

/** [rows, columns], in either orientation: what a product reads of it. */
struct Matrix {
  Doubles values;
  int64_t rows, columns;
  double at(int64_t row, int64_t column) const { return values[static_cast<size_t>(row * columns + column)]; }
};

Matrix matrix(const Floats& values, int64_t rows, int64_t columns, bool rounds = false) {
  Matrix result{{}, rows, columns};
  for (const float value : values) result.values.push_back(rounds ? rounded_to_bf16(value) : value);
  return result;
}

Matrix transposed(const Matrix& x) {
  Matrix result{Doubles(x.values.size()), x.columns, x.rows};
  for (int64_t i = 0; i < x.rows; i++) {
    for (int64_t j = 0; j < x.columns; j++) result.values[static_cast<size_t>(j * x.rows + i)] = x.at(i, j);
  }
  return result;
}

Matrix product(const Matrix& a, const Matrix& b, double scale = 1) {
  Matrix c{Doubles(static_cast<size_t>(a.rows * b.columns), 0), a.rows, b.columns};
  for (int64_t i = 0; i < a.rows; i++) {
    double* const row = c.values.data() + i * b.columns;
    for (int64_t k = 0; k < a.columns; k++) {
      const double left = scale * a.at(i, k);
      const double* const right = b.values.data() + k * b.columns;
      for (int64_t j = 0; j < b.columns; j++) row[j] += left * right[j];
    }
  }
  return c;
}

/** to += x ∘ mask; without a mask all of it. */
void add(Matrix& to, const Matrix& x, const Floats* mask = nullptr) {
  for (size_t i = 0; i < to.values.size(); i++) to.values[i] += x.values[i] * (mask ? (*mask)[i] : 1);
}

void mat_mul(Random& random) {
  const int64_t batch = 1 + random.below(4), m = random.size(70), n = random.size(70), k = random.size(90);
  const bool transpose_a = random.chance(50), transpose_b = random.chance(50), with_bias = random.chance(50);
  const int64_t a_batch = random.chance(30) ? 0 : m * k, b_batch = random.chance(30) ? 0 : k * n;
  const Floats a = random.floats((a_batch == 0 ? 1 : batch) * m * k), b = random.floats((b_batch == 0 ? 1 : batch) * k * n);
  const Floats bias = random.floats(n);
  Floats c = output(batch * m * n);
  Call call("matMul");
  call.numbers({{"batch", batch}, {"m", m}, {"n", n}, {"k", k}, {"transposeA", transpose_a}, {"transposeB", transpose_b}, {"aBatch", a_batch}, {"bBatch", b_batch}})
      .in("a", a).in("b", b).in_if(with_bias, "bias", bias).out("c", c).run();
  Doubles expected;
  for (int64_t index = 0; index < batch; index++) {
    const auto part = [](const Floats& x, int64_t start, int64_t count) {
      return Floats(x.begin() + start, x.begin() + start + count);
    };
    const Floats left = part(a, index * a_batch, m * k), right = part(b, index * b_batch, k * n);
    const Matrix p = product(transpose_a ? transposed(matrix(left, k, m)) : matrix(left, m, k),
                             transpose_b ? transposed(matrix(right, n, k)) : matrix(right, k, n));
    for (size_t i = 0; i < p.values.size(); i++) {
      expected.push_back(p.values[i] + (with_bias ? bias[i % static_cast<size_t>(n)] : 0));
    }
  }
  expect_close("c", c, expected, kExact);
}

/** Shapes and operands of a linear layer: x [T, K], W [N, K], and perhaps a bias, A [r, K], B [N, r], a mask [T, K]. */
struct Layer {
  int64_t tokens, inputs, outputs, rank;
  float scale = 0.5f;
  bool with_bias, with_mask, rounds;
  Weight weight;
  Floats x, dy, bias, a, b, mask;

  double tolerance() const { return rounds ? kRounded : kExact; }
  Matrix masked_x() const {
    Floats values = x;
    if (with_mask) {
      for (size_t i = 0; i < values.size(); i++) values[i] *= mask[i];
    }
    return matrix(values, tokens, inputs, rounds);
  }
  Matrix of_dy() const { return matrix(dy, tokens, outputs, rounds); }
  Matrix of_a() const { return matrix(a, rank, inputs, rounds); }
  Matrix of_b() const { return matrix(b, outputs, rank, rounds); }
};

/** Now and then deep or long: more than one block of k, more than one run of masked rows. */
Layer random_layer(Random& random, bool needs_rank) {
  Layer layer;
  layer.tokens = random.chance(6) ? 513 + random.below(60) : random.size(80);
  layer.inputs = random.chance(6) ? 800 + random.below(200) : random.size(120);
  layer.outputs = random.size(100);
  layer.rank = needs_rank || random.chance(60) ? 1 + random.below(17) : 0;
  layer.with_bias = random.chance(50), layer.with_mask = layer.rank > 0 && random.chance(50);
  layer.weight = random_weight(random, layer.outputs * layer.inputs);
  layer.rounds = layer.weight.is_bf16 || random.chance(25);
  layer.x = random.floats(layer.tokens * layer.inputs), layer.dy = random.floats(layer.tokens * layer.outputs);
  layer.bias = random.floats(layer.outputs);
  layer.a = random.floats(layer.rank * layer.inputs), layer.b = random.floats(layer.outputs * layer.rank);
  layer.mask = random.floats(layer.tokens * layer.inputs);
  for (float& value : layer.mask) value = value < 0 ? 0 : 2;
  return layer;
}

Call& add_layer(Call& call, const Layer& layer) {
  return call.numbers({{"tokens", layer.tokens}, {"inputs", layer.inputs}, {"outputs", layer.outputs}, {"rank", layer.rank}})
      .number("scale", layer.scale);
}

Call& add_adapter(Call& call, const Layer& layer) {
  const bool adapts = layer.rank > 0;
  return call.in_if(adapts, "a", layer.a).in_if(adapts, "b", layer.b).in_if(layer.with_mask, "mask", layer.mask);
}

/** Now and then the panels of a bf16 weight; empty: none, or this path has none. */
Words random_panels(Random& random, const Layer& layer, bool transposed) {
  if (!layer.weight.is_bf16 || random.chance(50)) return {};
  Integers size(1, -1);
  Call("weightPanelsSize").numbers({{"outputs", layer.outputs}, {"inputs", layer.inputs}, {"transposed", transposed}})
      .out("words", size).run();
  Words panels(static_cast<size_t>(size[0]), 0x7FC0);  // NaN
  if (!panels.empty()) {
    Call("weightPanels").numbers({{"outputs", layer.outputs}, {"inputs", layer.inputs}, {"transposed", transposed}})
        .in("weight", layer.weight).out("panels", panels).run();
  }
  return panels;
}

Call& add_panels(Call& call, const Words& panels) { return panels.empty() ? call : call.in("panels", panels); }

/** Kernels give their low-rank image away where there is one and no mask. */
bool gives_image(Random& random, const Layer& layer) { return layer.rank > 0 && !layer.with_mask && random.chance(50); }

Floats floats_of(const Matrix& matrix) { return {matrix.values.begin(), matrix.values.end()}; }

/** Some rows by themselves, few enough to read the weight where it lies: the same bits. */
void expect_same_when_few(Random& random, const Layer& layer, const Floats& y) {
  if (layer.tokens <= 16 || layer.with_mask) return;
  Layer few = layer;
  few.tokens = 1 + random.below(16);
  few.x.resize(static_cast<size_t>(few.tokens * few.inputs));
  Floats some = output(few.tokens * few.outputs);
  Call call("linear");
  add_layer(call, few).in("x", few.x).in("weight", few.weight).in_if(few.with_bias, "bias", few.bias);
  add_adapter(call, few).out("y", some).number("rounds", few.rounds).run();
  if (!std::equal(some.begin(), some.end(), y.begin())) fail("other bits of few rows");
}

void linear(Random& random) {
  const Layer layer = random_layer(random, false);
  const Words panels = random_panels(random, layer, false);
  const bool gives = gives_image(random, layer);
  Floats y = output(layer.tokens * layer.outputs), image = output(layer.tokens * layer.rank);
  Call call("linear");
  add_layer(call, layer).in("x", layer.x).in("weight", layer.weight);
  add_adapter(add_panels(call, panels).in_if(layer.with_bias, "bias", layer.bias), layer).out("y", y)
      .number("rounds", layer.rounds);
  call.out_if(gives, "image", image).run();
  Matrix expected = product(matrix(layer.x, layer.tokens, layer.inputs, layer.rounds),
                            transposed(matrix(layer.weight.values, layer.outputs, layer.inputs, layer.rounds)));
  if (layer.rank > 0) {
    const Matrix low = product(layer.masked_x(), transposed(layer.of_a()), layer.scale);
    add(expected, product(low, transposed(layer.of_b())));
    if (gives) expect_close("image", image, low.values, layer.tolerance());
  }
  if (layer.with_bias) {
    for (size_t i = 0; i < expected.values.size(); i++) {
      expected.values[i] += layer.bias[i % static_cast<size_t>(layer.outputs)];
    }
  }
  expect_close("y", y, expected.values, layer.tolerance());
  expect_same_when_few(random, layer, y);
}

void linear_input_gradient(Random& random) {
  const Layer layer = random_layer(random, false);
  const Words panels = random_panels(random, layer, true);
  const bool gives = gives_image(random, layer);
  Floats dx = output(layer.tokens * layer.inputs), image = output(layer.tokens * layer.rank);
  Call call("linearInputGradient");
  add_layer(call, layer).in("dy", layer.dy).in("weight", layer.weight);
  add_adapter(add_panels(call, panels), layer).out("dx", dx).number("rounds", layer.rounds)
      .out_if(gives, "image", image).run();
  Matrix expected = product(layer.of_dy(), matrix(layer.weight.values, layer.outputs, layer.inputs, layer.rounds));
  if (layer.rank > 0) {
    const Matrix low = product(layer.of_dy(), layer.of_b(), layer.scale);
    add(expected, product(low, layer.of_a()), layer.with_mask ? &layer.mask : nullptr);
    if (gives) expect_close("image", image, low.values, layer.tolerance());
  }
  expect_close("dx", dx, expected.values, layer.tolerance());
}

void weight_panels_size(Random& random) {
  const Layer layer = random_layer(random, false);
  for (const bool transposed : {false, true}) {
    Integers size(1, -1);
    Call("weightPanelsSize").numbers({{"outputs", layer.outputs}, {"inputs", layer.inputs}, {"transposed", transposed}})
        .out("words", size).run();
    const int64_t outer = transposed ? layer.inputs : layer.outputs, depth = transposed ? layer.outputs : layer.inputs;
    const bool padded = size[0] >= outer * depth && size[0] <= (outer + 31) * (depth + 31);
    if (size[0] != 0 && !padded) fail("panels of " + std::to_string(size[0]) + " words");
  }
}

/** A product has the same bits with panels as without. */
void weight_panels(Random& random) {
  const Layer layer = random_layer(random, false);
  const Words panels = random_panels(random, layer, false);
  if (panels.empty()) return;
  const Words none;
  Floats with = output(layer.tokens * layer.outputs), without = with;
  for (Floats* y : {&with, &without}) {
    Call call("linear");
    add_layer(call, layer).in("x", layer.x).in("weight", layer.weight);
    add_panels(call, y == &with ? panels : none);
    add_adapter(call, layer).out("y", *y).number("rounds", 1).run();
  }
  if (with != without) fail("other bits with panels");
}

void linear_weight_gradient(Random& random) {
  const Layer layer = random_layer(random, false);
  Floats d_weight = output(layer.outputs * layer.inputs);
  Call call("linearWeightGradient");
  call.numbers({{"tokens", layer.tokens}, {"inputs", layer.inputs}, {"outputs", layer.outputs}}).in("dy", layer.dy)
      .in("x", layer.x).out("dWeight", d_weight);
  call.number("rounds", layer.rounds).run();
  const Matrix x = matrix(layer.x, layer.tokens, layer.inputs, layer.rounds);
  expect_close("dWeight", d_weight, product(transposed(layer.of_dy()), x).values, layer.tolerance());
}

void linear_low_rank_gradient(Random& random) {
  const Layer layer = random_layer(random, true);
  Floats d_a = output(layer.rank * layer.inputs), d_b = output(layer.outputs * layer.rank);
  Call call("linearLowRankGradient");
  add_layer(call, layer).in("dy", layer.dy).in("x", layer.x);
  const Matrix up = product(layer.of_dy(), layer.of_b(), layer.scale);
  const Matrix low = product(layer.masked_x(), transposed(layer.of_a()), layer.scale);
  add_adapter(call, layer).out("dA", d_a).out("dB", d_b).number("rounds", layer.rounds);
  call.in_if(gives_image(random, layer), "xImage", floats_of(low)).in_if(random.chance(50), "dyImage", floats_of(up))
      .run();
  expect_close("dA", d_a, product(transposed(up), layer.masked_x()).values, layer.tolerance());
  expect_close("dB", d_b, product(transposed(layer.of_dy()), low).values, layer.tolerance());
}

}  // namespace

std::vector<Test> product_tests() {
  return {{"matMul", mat_mul},
          {"linear", linear},
          {"linearInputGradient", linear_input_gradient},
          {"weightPanelsSize", weight_panels_size},
          {"weightPanels", weight_panels},
          {"linearWeightGradient", linear_weight_gradient},
          {"linearLowRankGradient", linear_low_rank_gradient}};
}

}  // namespace llmf::test
