// SPDX-License-Identifier: Apache-2.0
// Every kernel on every instruction path that this processor has, on random shapes, against plain loops in float64.
//
// usage: test-native [--cases N] [--threads N] [--callers N]
//
// --callers: threads that call kernels at the same time, each with cases of its own; they share the kernels' pool.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "harness.h"
#include "parallel.h"

namespace {

using namespace llmf;
using namespace llmf::test;

struct Options {
  int cases = 40, threads = 3, callers = 1;
};

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const int value = i + 1 < count ? std::atoi(words[i + 1]) : 0;
    int* const option = std::strcmp(words[i], "--cases") == 0     ? &options.cases
                        : std::strcmp(words[i], "--threads") == 0 ? &options.threads
                        : std::strcmp(words[i], "--callers") == 0 ? &options.callers
                                                                  : nullptr;
    if (option == nullptr || value < 1) {
      std::fprintf(stderr, "usage: test-native [--cases N] [--threads N] [--callers N]\n");
      std::exit(2);
    }
    *option = value;
  }
  return options;
}

std::vector<Test> all_tests() {
  std::vector<Test> tests;
  for (const auto& group : {elementwise_tests(), row_tests(), copy_tests(), product_tests(), attention_tests(), log_prob_tests(), expert_tests(), packing_tests()}) {
    tests.insert(tests.end(), group.begin(), group.end());
  }
  return tests;
}

/** A kernel that nobody tests is a failure: the list of kernels is the build's, not this program's. */
void expect_all_covered(const std::vector<Test>& tests) {
  for (int i = 0; i < kernel_count; i++) {
    bool covered = false;
    for (const Test& test : tests) covered = covered || std::strcmp(test.kernel, kernel_list[i].name) == 0;
    Path any{};
    any.name = "any path";
    set_case(any, kernel_list[i].name, 0);
    if (!covered) fail("it has no test in test-native");
  }
}

void run_tests(const Path& path, const std::vector<Test>& tests, int cases, uint64_t caller) {
  for (const Test& test : tests) {
    for (int i = 0; i < cases; i++) {
      const uint64_t seed = caller << 32 | static_cast<uint64_t>(i);
      set_case(path, test.kernel, seed);
      Random random(seed);
      test.run(random);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  const Options options = read_options(count, words);
  const std::vector<Test> tests = all_tests();
  set_threads(options.threads);
  expect_all_covered(tests);
  // Emulated tiles are taken by name only: they stand in for a processor that has them.
  std::istringstream names(std::string(available_paths()) + ", amx-emulated");
  std::string name, tested;
  while (std::getline(names >> std::ws, name, ',')) {
    const Path path = choose_path(name.c_str());
    if (path.kernels == nullptr) continue;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < options.callers; caller++) {
      callers.emplace_back([&, caller] { run_tests(path, tests, options.cases, static_cast<uint64_t>(caller)); });
    }
    for (std::thread& caller : callers) caller.join();
    tested += (tested.empty() ? "" : ", ") + name;
  }
  const int64_t failures = failure_count();
  std::printf("%d kernels, %d cases each, paths %s, threads %d, callers %d: %lld failed\n", kernel_count,
              options.cases * options.callers, tested.c_str(), options.threads, options.callers,
              static_cast<long long>(failures));
  return failures == 0 ? 0 : 1;
}
