// SPDX-License-Identifier: Apache-2.0
// What the native tests share: random cases, calls of kernels without Node.js, comparison with references in float64.
// Arrays are allocated to the element, so that AddressSanitizer sees a read or write past either end.
#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "arguments.h"
#include "dispatch.h"

namespace llmf::test {

using Floats = std::vector<float>;
using Integers = std::vector<int32_t>;
using Words = std::vector<uint16_t>;  // bf16
using Doubles = std::vector<double>;
using Bytes = std::vector<uint8_t>;

/** splitmix64: the same cases on every machine. */
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  /** In [0, limit). */
  int64_t below(int64_t limit) { return static_cast<int64_t>(next() % static_cast<uint64_t>(limit)); }
  bool chance(int percent) { return below(100) < percent; }
  /** Now and then 0 or 1, else up to `most`: tails of vectors and blocks come by themselves. */
  int64_t size(int64_t most);
  float between(float low, float high);
  Floats floats(int64_t count, float low = -1, float high = 1);
  Integers integers(int64_t count, int64_t limit);

 private:
  uint64_t state_;
};

/** Nearest even, as the kernels round; and back. */
uint16_t to_bf16(float value);
float from_bf16(uint16_t word);
float rounded_to_bf16(float value);
Words to_bf16(const Floats& values);

/** A weight in either storage, and its exact values. */
struct Weight {
  Floats values;
  Words words;  // where it is stored in bf16
  bool is_bf16;
};
Weight random_weight(Random& random, int64_t count);

struct NamedNumber {
  const char* name;
  double value;
  template <class Number>
  NamedNumber(const char* of, Number number) : name(of), value(static_cast<double>(number)) {}
};

/** One call of a kernel of the path under test, each argument under its name in the kernel's signature. */
class Call {
 public:
  explicit Call(const char* kernel);
  template <class Number>
  Call& number(const char* name, Number value) {
    return numbers({{name, value}});
  }
  Call& numbers(std::initializer_list<NamedNumber> values);
  Call& in(const char* name, const Floats& values);
  Call& in(const char* name, const Integers& values);
  Call& in(const char* name, const std::vector<uint8_t>& values);
  Call& in(const char* name, const Weight& weight);
  Call& in(const char* name, const Words& values);
  Call& out(const char* name, Floats& values);
  Call& out(const char* name, Integers& values);
  Call& out(const char* name, Words& values);
  Call& out(const char* name, Bytes& values);
  Call& in(const char* name, const std::vector<Floats>& list);
  Call& in(const char* name, const std::vector<Weight>& list);
  Call& out(const char* name, std::vector<Floats>& list);
  Call& in_if(bool present, const char* name, const Floats& values) { return present ? in(name, values) : *this; }
  Call& out_if(bool present, const char* name, Floats& values) { return present ? out(name, values) : *this; }
  /** Runs it, what may be null and was not given as null; a message of the kernel is a failure of the test. */
  void run();

 private:
  struct Place {
    bool is_number = false, is_optional = false, is_given = false;
    size_t index = 0;
  };

  const char* kernel_;
  int kernel_index_ = -1;
  std::map<std::string, Place> places_;
  Doubles numbers_;
  std::vector<Array> arrays_;
  std::list<std::vector<Array>> lists_;  // parts of arrays that are lists

  Place* take(const char* name, bool is_number);
  Call& array(const char* name, ElementType type, const void* data, size_t length);
  Call& list(const char* name, std::vector<Array> parts);
};

/** Outputs start as NaN: an element that a kernel leaves out cannot pass. */
Floats output(int64_t count);

/** |got − expected| ≤ tolerance·(1 + largest |expected|), element by element. */
void expect_close(const char* what, const Floats& got, const Doubles& expected, double tolerance);
void fail(const std::string& message);

/** Sums of products of float32 numbers; and where factors or intermediates were rounded to bf16 (2⁻⁸). */
inline constexpr double kExact = 2e-5;
inline constexpr double kRounded = 2e-2;

struct Test {
  const char* kernel;
  void (*run)(Random&);
};

std::vector<Test> elementwise_tests();
std::vector<Test> row_tests();
std::vector<Test> copy_tests();
std::vector<Test> product_tests();
std::vector<Test> attention_tests();
std::vector<Test> log_prob_tests();
std::vector<Test> expert_tests();
std::vector<Test> packing_tests();

/** Set by the runner before each case, for this thread: what fails says which path, kernel and seed it was. */
void set_case(const Path& path, const char* kernel, uint64_t seed);
int64_t failure_count();

}  // namespace llmf::test
