// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <limits>

#include "denormals.h"

namespace llmf::test {
namespace {

thread_local Path path{};
thread_local const char* kernel_name = "";
thread_local uint64_t case_seed = 0;
std::atomic<int64_t> failures{0};

int kernel_index(const char* name) {
  for (int i = 0; i < kernel_count; i++) {
    if (std::strcmp(kernel_names[i], name) == 0) return i;
  }
  return -1;
}

}  // namespace

void set_case(const Path& chosen, const char* kernel, uint64_t seed) {
  path = chosen, kernel_name = kernel, case_seed = seed;
}
int64_t failure_count() { return failures.load(); }

void fail(const std::string& message) {
  constexpr int64_t kMostMessages = 20;
  if (failures.fetch_add(1) >= kMostMessages) return;
  std::printf("FAILED %s on %s, seed %llu: %s\n", kernel_name, path.name, static_cast<unsigned long long>(case_seed),
              message.c_str());
}

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

int64_t Random::size(int64_t most) {
  const int64_t kind = below(10);
  return kind == 0 ? 0 : kind == 1 ? 1 : 1 + below(most);
}

float Random::between(float low, float high) {
  return low + (high - low) * static_cast<float>(next() >> 40) / static_cast<float>(1 << 24);
}

Floats Random::floats(int64_t count, float low, float high) {
  Floats values(static_cast<size_t>(count));
  for (float& value : values) value = between(low, high);
  return values;
}

Integers Random::integers(int64_t count, int64_t limit) {
  Integers values(static_cast<size_t>(count));
  for (int32_t& value : values) value = static_cast<int32_t>(below(limit));
  return values;
}

uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float from_bf16(uint16_t word) {
  const uint32_t bits = static_cast<uint32_t>(word) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float rounded_to_bf16(float value) { return from_bf16(to_bf16(value)); }

Words to_bf16(const Floats& values) {
  Words words;
  words.reserve(values.size());
  for (const float value : values) words.push_back(to_bf16(value));
  return words;
}

Weight random_weight(Random& random, int64_t count) {
  Weight weight{random.floats(count), {}, random.chance(50)};
  if (!weight.is_bf16) return weight;
  weight.words = to_bf16(weight.values);
  for (float& value : weight.values) value = rounded_to_bf16(value);
  return weight;
}

Call& Call::number(double value) {
  values_.push_back(number_value(value));
  return *this;
}

Call& Call::sizes(std::initializer_list<int64_t> values) {
  for (const int64_t value : values) number(static_cast<double>(value));
  return *this;
}

Call& Call::array(ElementType type, const void* data, size_t length) {
  // As from JS, an empty array has an address too.
  static const uint64_t nothing = 0;
  void* const address = const_cast<void*>(data != nullptr ? data : &nothing);
  values_.push_back(array_value(type, address, static_cast<int64_t>(length)));
  return *this;
}

Call& Call::in(const Floats& values) { return array(ElementType::f32, values.data(), values.size()); }
Call& Call::in(const Integers& values) { return array(ElementType::i32, values.data(), values.size()); }
Call& Call::in(const std::vector<uint8_t>& values) { return array(ElementType::u8, values.data(), values.size()); }
Call& Call::in(const Weight& weight) {
  return weight.is_bf16 ? array(ElementType::u16, weight.words.data(), weight.words.size()) : in(weight.values);
}
Call& Call::out(Floats& values) { return array(ElementType::f32, values.data(), values.size()); }
Call& Call::in(const Words& values) { return array(ElementType::u16, values.data(), values.size()); }
Call& Call::out(Integers& values) { return array(ElementType::i32, values.data(), values.size()); }
Call& Call::out(Words& values) { return array(ElementType::u16, values.data(), values.size()); }
Call& Call::none() {
  values_.push_back(Value{});
  return *this;
}

void Call::run() {
  const int index = kernel_index(kernel_);
  if (index < 0) return fail(std::string("there is no kernel ") + kernel_);
  Arguments arguments(values_.data(), static_cast<int>(values_.size()));
  {
    FlushDenormals flush;
    path.kernels[index](arguments);
  }
  if (!arguments.ok()) fail(std::string(kernel_) + ": " + arguments.error());
}

Floats output(int64_t count) {
  return Floats(static_cast<size_t>(count), std::numeric_limits<float>::quiet_NaN());
}

void expect_close(const char* what, const Floats& got, const Doubles& expected, double tolerance) {
  if (got.size() != expected.size()) return fail(std::string(what) + ": the test compares different sizes");
  double largest = 0;
  for (const double value : expected) {
    if (std::isfinite(value)) largest = std::fmax(largest, std::fabs(value));
  }
  for (size_t i = 0; i < got.size(); i++) {
    const bool same = std::isfinite(expected[i])
                          ? std::fabs(got[i] - expected[i]) <= tolerance * (1 + largest)
                          : static_cast<double>(got[i]) == expected[i];
    if (same) continue;
    return fail(std::string(what) + "[" + std::to_string(i) + "] of " + std::to_string(got.size()) + ": got " +
                std::to_string(got[i]) + ", expected " + std::to_string(expected[i]) + " within " +
                std::to_string(tolerance * (1 + largest)));
  }
}

}  // namespace llmf::test
