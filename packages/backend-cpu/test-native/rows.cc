// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

namespace llmf::test {
namespace {

constexpr float kEpsilon = 1e-5f;

struct Rows {
  int64_t rows, columns;
  const float* of(const Floats& x, int64_t row) const { return x.data() + row * columns; }
};

Rows random_rows(Random& random) { return {random.size(150), 1 + random.below(300)}; }

double reciprocal_rms(const float* x, int64_t columns) {
  double squares = 0;
  for (int64_t i = 0; i < columns; i++) squares += static_cast<double>(x[i]) * x[i];
  return 1 / std::sqrt(squares / static_cast<double>(columns) + kEpsilon);
}

void rms_norm(Random& random) {
  const Rows shape = random_rows(random);
  const Floats x = random.floats(shape.rows * shape.columns), weight = random.floats(shape.columns);
  Floats y = output(shape.rows * shape.columns);
  Call("rmsNorm").numbers({{"rows", shape.rows}, {"columns", shape.columns}, {"epsilon", kEpsilon}}).in("x", x)
      .in("weight", weight).out("y", y).run();
  Doubles expected;
  for (int64_t row = 0; row < shape.rows; row++) {
    const float* const in = shape.of(x, row);
    const double r = reciprocal_rms(in, shape.columns);
    for (int64_t i = 0; i < shape.columns; i++) expected.push_back(in[i] * r * weight[static_cast<size_t>(i)]);
  }
  expect_close("y", y, expected, kExact);
}

void rms_norm_gradient(Random& random) {
  const Rows shape = random_rows(random);
  const bool wants_weight = random.chance(50);
  const Floats dy = random.floats(shape.rows * shape.columns), x = random.floats(shape.rows * shape.columns);
  const Floats weight = random.floats(shape.columns);
  Floats dx = output(shape.rows * shape.columns), d_weight = output(shape.columns);
  Call call("rmsNormGradient");
  call.numbers({{"rows", shape.rows}, {"columns", shape.columns}, {"epsilon", kEpsilon}}).in("dy", dy).in("x", x)
      .in("weight", weight).out("dx", dx);
  call.out_if(wants_weight, "dWeight", d_weight).run();
  Doubles of_x, of_weight(static_cast<size_t>(shape.columns), 0);
  for (int64_t row = 0; row < shape.rows; row++) {
    const float *const in = shape.of(x, row), *const up = shape.of(dy, row);
    const double r = reciprocal_rms(in, shape.columns);
    double inner = 0;
    for (int64_t i = 0; i < shape.columns; i++) inner += static_cast<double>(up[i]) * weight[static_cast<size_t>(i)] * in[i];
    for (int64_t i = 0; i < shape.columns; i++) {
      of_x.push_back(r * weight[static_cast<size_t>(i)] * up[i] -
                     in[i] * r * r * r * inner / static_cast<double>(shape.columns));
      of_weight[static_cast<size_t>(i)] += up[i] * in[i] * r;
    }
  }
  expect_close("dx", dx, of_x, kExact);
  if (wants_weight) expect_close("dWeight", d_weight, of_weight, kExact);
}

struct Moments {
  double mean, reciprocal;
};

Moments moments_of(const float* x, int64_t columns) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < columns; i++) sum += x[i];
  const double mean = sum / static_cast<double>(columns);
  for (int64_t i = 0; i < columns; i++) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, 1 / std::sqrt(squares / static_cast<double>(columns) + kEpsilon)};
}

void layer_norm(Random& random) {
  Rows shape = random_rows(random);
  shape.columns += 3;  // of one or two columns the variance is nearly 0, and the result noise
  const Floats x = random.floats(shape.rows * shape.columns), weight = random.floats(shape.columns);
  const Floats bias = random.floats(shape.columns);
  Floats y = output(shape.rows * shape.columns);
  Call("layerNorm").numbers({{"rows", shape.rows}, {"columns", shape.columns}, {"epsilon", kEpsilon}}).in("x", x)
      .in("weight", weight).in("bias", bias).out("y", y).run();
  Doubles expected;
  for (int64_t row = 0; row < shape.rows; row++) {
    const Moments moments = moments_of(shape.of(x, row), shape.columns);
    for (int64_t i = 0; i < shape.columns; i++) {
      const size_t at = static_cast<size_t>(i);
      expected.push_back((shape.of(x, row)[i] - moments.mean) * moments.reciprocal * weight[at] + bias[at]);
    }
  }
  expect_close("y", y, expected, kExact);
}

void layer_norm_gradient(Random& random) {
  Rows shape = random_rows(random);
  shape.columns += 3;
  const bool wants_weight = random.chance(50);
  const Floats dy = random.floats(shape.rows * shape.columns), x = random.floats(shape.rows * shape.columns);
  const Floats weight = random.floats(shape.columns);
  Floats dx = output(shape.rows * shape.columns), d_weight = output(shape.columns), d_bias = output(shape.columns);
  Call call("layerNormGradient");
  call.numbers({{"rows", shape.rows}, {"columns", shape.columns}, {"epsilon", kEpsilon}}).in("dy", dy).in("x", x)
      .in("weight", weight).out("dx", dx);
  call.out_if(wants_weight, "dWeight", d_weight).out_if(wants_weight, "dBias", d_bias).run();
  Doubles of_x, of_weight(static_cast<size_t>(shape.columns), 0), of_bias = of_weight;
  for (int64_t row = 0; row < shape.rows; row++) {
    const float *const in = shape.of(x, row), *const up = shape.of(dy, row);
    const Moments moments = moments_of(in, shape.columns);
    const auto normal = [&](int64_t i) { return (in[i] - moments.mean) * moments.reciprocal; };
    double g_sum = 0, gx_sum = 0;
    for (int64_t i = 0; i < shape.columns; i++) {
      const double g = static_cast<double>(up[i]) * weight[static_cast<size_t>(i)];
      g_sum += g, gx_sum += g * normal(i);
    }
    const double count = static_cast<double>(shape.columns);
    for (int64_t i = 0; i < shape.columns; i++) {
      const size_t at = static_cast<size_t>(i);
      of_x.push_back(moments.reciprocal * (static_cast<double>(up[i]) * weight[at] - g_sum / count - normal(i) * gx_sum / count));
      of_weight[at] += up[i] * normal(i);
      of_bias[at] += up[i];
    }
  }
  expect_close("dx", dx, of_x, kExact);
  if (!wants_weight) return;
  expect_close("dWeight", d_weight, of_weight, kExact);
  expect_close("dBias", d_bias, of_bias, kExact);
}

void softmax(Random& random) {
  const Rows shape = random_rows(random);
  const bool logarithm = random.chance(50);
  const Floats x = random.floats(shape.rows * shape.columns, -8, 8);
  Floats y = output(shape.rows * shape.columns);
  Call("softmax").numbers({{"rows", shape.rows}, {"columns", shape.columns}, {"logarithm", logarithm}}).in("x", x)
      .out("y", y).run();
  Doubles expected;
  for (int64_t row = 0; row < shape.rows; row++) {
    double total = 0;
    for (int64_t i = 0; i < shape.columns; i++) total += std::exp(static_cast<double>(shape.of(x, row)[i]));
    for (int64_t i = 0; i < shape.columns; i++) {
      const double log_p = shape.of(x, row)[i] - std::log(total);
      expected.push_back(logarithm ? log_p : std::exp(log_p));
    }
  }
  expect_close("y", y, expected, 2e-6);
}

void reduce(Random& random) {
  const int64_t operation = random.below(4);
  const bool adds = operation == 0 || operation == 3;
  const bool is_long = random.chance(5);
  const int64_t outer = is_long ? 1 : random.size(40), inner = is_long || random.chance(50) ? 1 : random.size(300);
  const int64_t length = is_long ? 131'073 + random.below(70'000) : random.size(adds ? 4000 : 200);
  const float scale = adds ? random.between(0.1f, 1) : 1;
  const Floats x = random.floats(outer * length * inner);
  Floats y = output(outer * inner);
  Call("reduce")
      .numbers({{"operation", operation}, {"outer", outer}, {"length", length}, {"inner", inner}, {"scale", scale}})
      .in("x", x).out("y", y).run();
  Doubles expected;
  for (int64_t o = 0; o < outer; o++) {
    for (int64_t i = 0; i < inner; i++) {
      double result = adds ? 0 : operation == 1 ? -INFINITY : INFINITY;
      for (int64_t r = 0; r < length; r++) {
        const double value = x[static_cast<size_t>((o * length + r) * inner + i)];
        if (operation == 3) result += value * value;
        else result = operation == 0 ? result + value : operation == 1 ? std::fmax(result, value) : std::fmin(result, value);
      }
      expected.push_back(result * scale);
    }
  }
  expect_close("y", y, expected, kExact);
}

void segment_sum(Random& random) {
  const int64_t segments = 1 + random.below(20), count = random.size(500);
  const Floats values = random.floats(count);
  Integers response;
  for (int64_t i = 0; i < count; i++) response.push_back(static_cast<int32_t>(i * segments / count));
  Floats y = output(segments);
  Call("segmentSum").numbers({{"count", count}, {"segments", segments}}).in("values", values).in("response", response)
      .out("y", y).run();
  Doubles expected(static_cast<size_t>(segments), 0);
  for (size_t i = 0; i < values.size(); i++) expected[static_cast<size_t>(response[i])] += values[i];
  expect_close("y", y, expected, kExact);
}

}  // namespace

std::vector<Test> row_tests() {
  return {{"rmsNorm", rms_norm},     {"rmsNormGradient", rms_norm_gradient},
          {"layerNorm", layer_norm}, {"layerNormGradient", layer_norm_gradient},
          {"softmax", softmax},       {"reduce", reduce},
          {"segmentSum", segment_sum}};
}

}  // namespace llmf::test
