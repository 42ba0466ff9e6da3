// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

namespace llmf::test {
namespace {

using Function = double (*)(double);

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double normal_share(double x) { return 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }

void unary(Random& random) {
  static const Function functions[] = {
      [](double x) { return -x; },       [](double x) { return std::fabs(x); },
      [](double x) { return std::exp(x); }, [](double x) { return std::sqrt(x); },
      [](double x) { return 1 / std::sqrt(x); }, [](double x) { return x * x; },
      sigmoid,                           [](double x) { return std::tanh(x); },
      [](double x) { return x > 0 ? x : 0; }, [](double x) { return 1 / x; },
      [](double x) { return std::erf(x); }, [](double x) { return std::log(x); }};
  const int64_t operation = random.below(12);
  const bool positive = operation == 3 || operation == 4 || operation == 9 || operation == 11;
  const Floats x = random.floats(random.size(40'000), positive ? 0.1f : -4.0f, 4.0f);
  Floats y = output(static_cast<int64_t>(x.size()));
  Call("unary").numbers({{"operation", operation}, {"count", x.size()}}).in("x", x).out("y", y).run();
  Doubles expected;
  for (const float value : x) expected.push_back(functions[operation](value));
  expect_close("y", y, expected, 1e-6);
}

/** Up to three axes; each operand repeats along some. */
void binary(Random& random) {
  const int64_t operation = random.below(7), axes = 1 + random.below(3);
  Integers sizes, a_strides, b_strides;
  for (int64_t axis = 0; axis < axes; axis++) {
    const int64_t most = axis + 1 == axes ? 300 : 12;
    sizes.push_back(static_cast<int32_t>(random.chance(5) ? 0 : 1 + random.below(most)));
  }
  const auto strides = [&](Integers& to) {
    int32_t stride = 1;
    to.assign(static_cast<size_t>(axes), 0);
    for (int64_t axis = axes - 1; axis >= 0; axis--) {
      if (random.chance(25)) continue;
      to[static_cast<size_t>(axis)] = stride;
      stride *= sizes[static_cast<size_t>(axis)];
    }
    return static_cast<int64_t>(stride);
  };
  const int64_t a_count = strides(a_strides), b_count = strides(b_strides);
  const Floats a = random.floats(a_count), b = random.floats(b_count, 0.5f, 2.0f);
  int64_t count = 1;
  for (const int32_t size : sizes) count *= size;
  Floats y = output(count);
  Call("binary").numbers({{"operation", operation}, {"axes", axes}}).in("sizes", sizes).in("aStrides", a_strides)
      .in("bStrides", b_strides).in("a", a).in("b", b).out("y", y).run();
  Doubles expected;
  for (int64_t i = 0; i < count; i++) {
    int64_t rest = i, left = 0, right = 0;
    for (int64_t axis = axes - 1; axis >= 0; axis--) {
      const size_t at = static_cast<size_t>(axis);
      const int64_t index = rest % sizes[at];
      rest /= sizes[at];
      left += index * a_strides[at];
      right += index * b_strides[at];
    }
    const double p = a[static_cast<size_t>(left)], q = b[static_cast<size_t>(right)];
    const double results[] = {p + q, p - q, p * q, p / q, std::fmax(p, q), std::fmin(p, q), (p - q) * (p - q)};
    expected.push_back(results[operation]);
  }
  expect_close("y", y, expected, 1e-6);
}

void fill(Random& random) {
  const int64_t count = random.size(150'000);
  const float value = random.between(-3, 3);
  Floats y = output(count);
  Call("fill").numbers({{"count", count}, {"value", value}}).out("y", y).run();
  expect_close("y", y, Doubles(y.size(), value), 0);
}

void cast_integers(Random& random) {
  const Integers x = random.integers(random.size(3000), 1 << 20);
  Floats y = output(static_cast<int64_t>(x.size()));
  Call("castIntegers").number("count", x.size()).in("x", x).out("y", y).run();
  expect_close("y", y, Doubles(x.begin(), x.end()), 0);
}

void cast_bytes(Random& random) {
  std::vector<uint8_t> x(static_cast<size_t>(random.size(3000)));
  for (uint8_t& value : x) value = static_cast<uint8_t>(random.below(256));
  Floats y = output(static_cast<int64_t>(x.size()));
  Call("castBytes").number("count", x.size()).in("x", x).out("y", y).run();
  expect_close("y", y, Doubles(x.begin(), x.end()), 0);
}

void accumulate(Random& random) {
  const int64_t count = random.size(50'000);
  Floats sums = random.floats(count);
  const Floats values = random.floats(count);
  Doubles expected(sums.begin(), sums.end());
  for (size_t i = 0; i < expected.size(); i++) expected[i] += values[i];
  Call("accumulate").number("count", count).out("accumulator", sums).in("value", values).run();
  expect_close("accumulator", sums, expected, 1e-6);
}

void accumulate_rows(Random& random) {
  const int64_t tokens = random.size(60), vocabulary = 1 + random.below(80), columns = random.size(90);
  Floats sums = random.floats(vocabulary * columns);
  const Floats rows = random.floats(tokens * columns);
  const Integers ids = random.integers(tokens, vocabulary);
  Doubles expected(sums.begin(), sums.end());
  for (int64_t i = 0; i < tokens * columns; i++) {
    expected[static_cast<size_t>(ids[static_cast<size_t>(i / columns)] * columns + i % columns)] += rows[static_cast<size_t>(i)];
  }
  Call("accumulateRows").numbers({{"tokens", tokens}, {"vocabulary", vocabulary}, {"columns", columns}})
      .out("accumulator", sums).in("rows", rows).in("ids", ids).run();
  expect_close("accumulator", sums, expected, 1e-5);
}

struct Gated {
  Floats gate, up;
  Integers kept;  // bf16 words of both
};

/** Values that bf16 holds exactly if `rounds`, so that both forms are the same numbers. */
Gated random_gated(Random& random, int64_t count, bool rounds) {
  Gated gated{random.floats(count, -6, 6), random.floats(count), Integers(static_cast<size_t>(count))};
  if (!rounds) return gated;
  for (float& value : gated.gate) value = rounded_to_bf16(value);
  for (float& value : gated.up) value = rounded_to_bf16(value);
  return gated;
}

void swiglu(Random& random) {
  const int64_t count = random.size(30'000);
  const bool rounds = random.chance(50);
  Gated gated = random_gated(random, count, false);
  Floats y = output(count);
  if (rounds) Call("swiglu").numbers({{"count", count}, {"rounds", 1}}).in("gate", gated.gate).in("up", gated.up)
      .out("y", y).out("keep", gated.kept).run();
  else Call("swiglu").numbers({{"count", count}, {"rounds", 0}}).in("gate", gated.gate).in("up", gated.up).out("y", y)
      .run();
  Doubles expected;
  for (size_t i = 0; i < y.size(); i++) {
    const double g = rounds ? rounded_to_bf16(gated.gate[i]) : gated.gate[i];
    expected.push_back(g * sigmoid(g) * (rounds ? rounded_to_bf16(gated.up[i]) : gated.up[i]));
  }
  expect_close("y", y, expected, 1e-6);
  if (!rounds) return;
  Floats again = output(count);
  Call("swiglu").numbers({{"count", count}, {"rounds", 1}}).in("kept", gated.kept).out("y", again).run();
  expect_close("y of what was kept", again, Doubles(y.begin(), y.end()), 0);
}

void swiglu_gradient(Random& random) {
  const int64_t count = random.size(30'000);
  const bool rounds = random.chance(50);
  const Floats dy = random.floats(count);
  Gated gated = random_gated(random, count, rounds);
  Floats d_gate = output(count), d_up = output(count), y = output(count);
  if (rounds) {
    Call("swiglu").numbers({{"count", count}, {"rounds", 1}}).in("gate", gated.gate).in("up", gated.up).out("y", y)
        .out("keep", gated.kept).run();
    Call("swigluGradient").numbers({{"count", count}, {"rounds", 1}}).in("dy", dy).in("kept", gated.kept)
        .out("dGate", d_gate).out("dUp", d_up).run();
  } else {
    Call("swigluGradient").numbers({{"count", count}, {"rounds", 0}}).in("dy", dy).in("gate", gated.gate)
        .in("up", gated.up).out("dGate", d_gate).out("dUp", d_up).run();
  }
  Doubles of_gate, of_up;
  for (size_t i = 0; i < dy.size(); i++) {
    const double g = gated.gate[i], s = sigmoid(g);
    of_up.push_back(dy[i] * g * s);
    of_gate.push_back(dy[i] * gated.up[i] * (s + g * s * (1 - s)));
  }
  expect_close("dGate", d_gate, of_gate, 1e-6);
  expect_close("dUp", d_up, of_up, 1e-6);
}

const Function gelu_forms[] = {
    [](double x) { return x * normal_share(x); },
    [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); },
    [](double x) { return x * sigmoid(1.702 * x); }};

void gelu(Random& random) {
  const int64_t count = random.size(30'000), form = random.below(3);
  const Floats x = random.floats(count, -5, 5);
  Floats y = output(count);
  Call("gelu").numbers({{"count", count}, {"form", form}}).in("x", x).out("y", y).run();
  Doubles expected;
  for (const float value : x) expected.push_back(gelu_forms[form](value));
  expect_close("y", y, expected, 1e-6);
}

/** The slope of the reference, by a central difference in float64. */
void gelu_gradient(Random& random) {
  const int64_t count = random.size(30'000), form = random.below(3);
  const Floats dy = random.floats(count), x = random.floats(count, -5, 5);
  Floats dx = output(count);
  Call("geluGradient").numbers({{"count", count}, {"form", form}}).in("dy", dy).in("x", x).out("dx", dx).run();
  constexpr double kStep = 1e-5;
  Doubles expected;
  for (size_t i = 0; i < dx.size(); i++) {
    expected.push_back(dy[i] * (gelu_forms[form](x[i] + kStep) - gelu_forms[form](x[i] - kStep)) / (2 * kStep));
  }
  expect_close("dx", dx, expected, 2e-6);
}

void adamw(Random& random) {
  const int64_t count = random.size(20'000);
  const double rate = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = random.chance(50) ? 0.1 : 0;
  const double step = static_cast<double>(1 + random.below(50));
  const Floats scale{random.between(0.1f, 1)};
  const bool scaled = random.chance(50);
  Floats parameter = random.floats(count), m = random.floats(count), v = random.floats(count, 0.1f, 1);
  const Floats gradient = random.floats(count);
  Doubles of_parameter, of_m, of_v;
  for (size_t i = 0; i < gradient.size(); i++) {
    const double g = gradient[i] * (scaled ? scale[0] : 1.0);
    of_m.push_back(beta1 * m[i] + (1 - beta1) * g);
    of_v.push_back(beta2 * v[i] + (1 - beta2) * g * g);
    const double mean = of_m[i] / (1 - std::pow(beta1, step)), square = of_v[i] / (1 - std::pow(beta2, step));
    of_parameter.push_back(parameter[i] * (1 - rate * decay) - rate * mean / (std::sqrt(square) + epsilon));
  }
  Call call("adamw");
  call.numbers({{"count", count}, {"learningRate", rate}, {"beta1", beta1}, {"beta2", beta2}, {"epsilon", epsilon}, {"weightDecay", decay}, {"step", step}});
  call.out("parameter", parameter).in("gradient", gradient).out("m", m).out("v", v).in_if(scaled, "scale", scale).run();
  expect_close("parameter", parameter, of_parameter, 1e-6);
  expect_close("m", m, of_m, 1e-6);
  expect_close("v", v, of_v, 1e-6);
}

void rope(Random& random) {
  const int64_t tokens = random.size(60), heads = 1 + random.below(4), size = 2 * (1 + random.below(40));
  const int64_t half = random.chance(70) ? size / 2 : random.below(size / 2 + 1);
  const bool inverse = random.chance(50), interleaved = random.chance(40);
  const Floats x = random.floats(tokens * heads * size), angle = random.floats(tokens * half, -3, 3);
  Floats cosines, sines, y = output(tokens * heads * size);
  for (const float value : angle) cosines.push_back(std::cos(value)), sines.push_back(std::sin(value));
  Call("rope").numbers({{"tokens", tokens}, {"heads", heads}, {"size", size}, {"half", half}, {"inverse", inverse}})
      .number("interleaved", interleaved).in("x", x).in("cosines", cosines).in("sines", sines).out("y", y).run();
  Doubles expected(x.begin(), x.end());
  for (int64_t t = 0; t < tokens; t++) {
    for (int64_t h = 0; h < heads; h++) {
      for (int64_t i = 0; i < half; i++) {
        const size_t head = static_cast<size_t>((t * heads + h) * size);
        const size_t low = head + static_cast<size_t>(interleaved ? 2 * i : i);
        const size_t high = low + static_cast<size_t>(interleaved ? 1 : half);
        const size_t at = static_cast<size_t>(t * half + i);
        const double c = cosines[at], s = inverse ? -sines[at] : sines[at];
        expected[low] = x[low] * c - x[high] * s;
        expected[high] = x[high] * c + x[low] * s;
      }
    }
  }
  expect_close("y", y, expected, 1e-6);
}

}  // namespace

std::vector<Test> elementwise_tests() {
  return {{"unary", unary},           {"binary", binary},
          {"fill", fill},             {"castIntegers", cast_integers},
          {"castBytes", cast_bytes}, {"accumulate", accumulate}, {"accumulateRows", accumulate_rows},
          {"swiglu", swiglu},         {"swigluGradient", swiglu_gradient},
          {"gelu", gelu},             {"geluGradient", gelu_gradient},
          {"adamw", adamw},           {"rope", rope}};
}

}  // namespace llmf::test
