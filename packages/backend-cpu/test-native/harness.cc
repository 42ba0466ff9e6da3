// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <limits>
#include <sstream>

#include "denormals.h"

namespace llmf::test {
namespace {

thread_local Path path{};
thread_local const char* kernel_name = "";
thread_local uint64_t case_seed = 0;
std::atomic<int64_t> failures{0};

int kernel_index(const char* name) {
  for (int i = 0; i < kernel_count; i++) {
    if (std::strcmp(kernel_list[i].name, name) == 0) return i;
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

Call::Call(const char* kernel) : kernel_(kernel), kernel_index_(kernel_index(kernel)) {
  if (kernel_index_ < 0) {
    fail(std::string("there is no kernel ") + kernel);
    return;
  }
  std::istringstream parameters(kernel_list[kernel_index_].signature);
  for (std::string parameter; parameters >> parameter;) {
    const size_t colon = parameter.find(':');
    const std::string kind = parameter.substr(colon + 1);
    Place place;
    place.is_optional = kind.back() == '?';
    for (const char* of_number : {"size", "integer", "scalar", "number", "flag"}) {
      place.is_number = place.is_number || kind == of_number;
    }
    place.index = place.is_number ? numbers_.size() : arrays_.size();
    if (place.is_number) numbers_.push_back(0);
    else arrays_.emplace_back();
    places_[parameter.substr(0, colon)] = place;
  }
}

Call::Place* Call::take(const char* name, bool is_number) {
  const auto found = places_.find(name);
  if (found == places_.end() || found->second.is_number != is_number || found->second.is_given) {
    const char* const reason = found == places_.end() ? " has no argument " : ": given twice, or of the wrong kind: ";
    fail(std::string(kernel_) + reason + name);
    return nullptr;
  }
  found->second.is_given = true;
  return &found->second;
}

Call& Call::numbers(std::initializer_list<NamedNumber> values) {
  for (const NamedNumber& number : values) {
    if (const Place* const place = take(number.name, true)) numbers_[place->index] = number.value;
  }
  return *this;
}

Call& Call::array(const char* name, ElementType type, const void* data, size_t length) {
  // As from JS, an empty array has an address too.
  static const uint64_t nothing = 0;
  void* const address = const_cast<void*>(data != nullptr ? data : &nothing);
  if (const Place* const place = take(name, false)) arrays_[place->index] = {type, address, static_cast<int64_t>(length)};
  return *this;
}

Call& Call::in(const char* name, const Floats& values) { return array(name, ElementType::f32, values.data(), values.size()); }
Call& Call::in(const char* name, const Integers& values) { return array(name, ElementType::i32, values.data(), values.size()); }
Call& Call::in(const char* name, const std::vector<uint8_t>& values) {
  return array(name, ElementType::u8, values.data(), values.size());
}
Call& Call::in(const char* name, const Weight& weight) {
  return weight.is_bf16 ? in(name, weight.words) : in(name, weight.values);
}
Call& Call::in(const char* name, const Words& values) { return array(name, ElementType::u16, values.data(), values.size()); }
Call& Call::out(const char* name, Floats& values) { return array(name, ElementType::f32, values.data(), values.size()); }
Call& Call::out(const char* name, Integers& values) { return array(name, ElementType::i32, values.data(), values.size()); }
Call& Call::out(const char* name, Words& values) { return array(name, ElementType::u16, values.data(), values.size()); }

Call& Call::out(const char* name, Bytes& values) { return array(name, ElementType::u8, values.data(), values.size()); }

Call& Call::list(const char* name, std::vector<Array> parts) {
  lists_.push_back(std::move(parts));
  const std::vector<Array>& kept = lists_.back();
  if (const Place* const place = take(name, false)) {
    Array& of = arrays_[place->index];
    of.type = ElementType::list, of.length = static_cast<int64_t>(kept.size()), of.parts = kept.data();
  }
  return *this;
}

namespace {

Array part_of(ElementType type, const void* data, size_t length) {
  static const uint64_t nothing = 0;
  Array part;
  part.type = type, part.data = const_cast<void*>(data != nullptr ? data : &nothing), part.length = static_cast<int64_t>(length);
  return part;
}

}  // namespace

Call& Call::in(const char* name, const std::vector<Floats>& values) {
  std::vector<Array> parts;
  for (const Floats& each : values) parts.push_back(part_of(ElementType::f32, each.data(), each.size()));
  return list(name, std::move(parts));
}
Call& Call::in(const char* name, const std::vector<Weight>& values) {
  std::vector<Array> parts;
  for (const Weight& each : values) {
    parts.push_back(each.is_bf16 ? part_of(ElementType::u16, each.words.data(), each.words.size())
                                 : part_of(ElementType::f32, each.values.data(), each.values.size()));
  }
  return list(name, std::move(parts));
}
Call& Call::out(const char* name, std::vector<Floats>& values) { return in(name, static_cast<const std::vector<Floats>&>(values)); }

void Call::run() {
  for (const auto& [name, place] : places_) {
    if (!place.is_given && !place.is_optional) return fail(std::string(kernel_) + ": the test gives no " + name);
  }
  Arguments arguments(numbers_.data(), static_cast<int>(numbers_.size()), arrays_.data(), static_cast<int>(arrays_.size()));
  {
    FlushDenormals flush;
    path.kernels[kernel_index_](arguments);
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
