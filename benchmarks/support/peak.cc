// SPDX-License-Identifier: Apache-2.0
// What this processor can do at most, measured: multiply-adds in registers, reading and copying memory. Compiled for the
// machine it runs on (-march=native). Prints one JSON object; a rate is null where the processor lacks the instruction.
//
// usage: peak THREADS
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

constexpr int kRounds = 7;
constexpr int kAccumulators = 12;  // enough in flight to hide the latency of a multiply-add on two ports
volatile float sink;

/** Seconds that this thread has run: other programs on the machine do not count. */
double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/** Keeps the compiler from seeing through a register's value. */
template <class Register>
inline void opaque(Register& value) {
#if defined(__x86_64__)
  asm volatile("" : "+v"(value));
#else
  asm volatile("" : "+w"(value));
#endif
}

/** Unrolled, so that the accumulators stay in registers. */
template <class Register, class Step, size_t... kIndex>
inline void each(Register (&sums)[kAccumulators], const Step& step, std::index_sequence<kIndex...>) {
  (..., (step(sums[kIndex]), opaque(sums[kIndex])));
}
template <class Register, class Step>
inline void each(Register (&sums)[kAccumulators], const Step& step) {
  each(sums, step, std::make_index_sequence<kAccumulators>{});
}

/** Best rate of several rounds, summed over threads that work at the same time; `work` returns what it did. */
template <class Work>
double best_rate(int threads, const Work& work) {
  double best = 0;
  for (int round = 0; round < kRounds; round++) {
    std::vector<double> rates(static_cast<size_t>(threads));
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; t++) {
      pool.emplace_back([&, t] {
        const double begin = now(), done = work(t);
        rates[static_cast<size_t>(t)] = done / (now() - begin);
      });
    }
    for (std::thread& thread : pool) thread.join();
    double sum = 0;
    for (const double rate : rates) sum += rate;
    best = std::max(best, sum);
  }
  return best;
}

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vec __attribute__((vector_size(kBytes)));

double multiply_add(int) {
  constexpr int64_t kSteps = 10'000'000;
  Vec sums[kAccumulators], factor, term;
  each(sums, [](Vec& sum) { sum = Vec{} + 1.0f; });
  factor = Vec{} + 0.999f, term = Vec{} + 0.001f;
  for (int64_t step = 0; step < kSteps; step++) {
    each(sums, [&](Vec& sum) { sum = sum * factor + term; });
  }
  Vec total{};
  each(sums, [&](Vec& sum) { total += sum; });
  sink = total[0];
  return 2.0 * kSteps * kAccumulators * (kBytes / 4);
}

#if defined(__AVX512BF16__)
double multiply_add_bf16(int) {
  constexpr int64_t kSteps = 10'000'000;
  __m512 sums[kAccumulators];
  each(sums, [](__m512& sum) { sum = _mm512_set1_ps(1.0f); });
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f)), b = a;
  for (int64_t step = 0; step < kSteps; step++) {
    each(sums, [&](__m512& sum) { sum = _mm512_dpbf16_ps(sum, a, b); });
  }
  __m512 total = _mm512_setzero_ps();
  each(sums, [&](__m512& sum) { total = _mm512_add_ps(total, sum); });
  sink = _mm512_cvtss_f32(total);
  return 4.0 * kSteps * kAccumulators * 16;
}
#endif

#if defined(__AMX_BF16__)
/** Linux gives tile registers on request. */
bool allow_tiles() { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }

double multiply_add_tiles(int) {
  constexpr int64_t kSteps = 1'000'000;
  alignas(64) uint8_t config[64] = {1};
  for (int tile = 0; tile < 8; tile++) config[16 + 2 * tile] = 64, config[48 + tile] = 16;
  asm volatile("ldtilecfg %0" ::"m"(config));  // as g++ 12 sees _tile_loadconfig, it reads only the first 8 bytes
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (int64_t step = 0; step < kSteps; step++) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return 4.0 * kSteps * 2 * 16 * 16 * 32;
}
#endif

/** Bytes read and written by copying 128 MiB per thread: past every cache. */
double copy(std::vector<std::vector<char>>& blocks, int thread) {
  std::vector<char>& block = blocks[static_cast<size_t>(thread)];
  const size_t half = block.size() / 2;
  std::memcpy(block.data() + half, block.data(), half);
  sink = block[half];
  return static_cast<double>(block.size());
}

typedef uint64_t Words __attribute__((vector_size(kBytes)));

/** Reads a block from end to end, so many times. */
void read_block(const std::vector<char>& block, int64_t times) {
  const uintptr_t start = (reinterpret_cast<uintptr_t>(block.data()) + kBytes - 1) / kBytes * kBytes;
  const Words* const words = reinterpret_cast<const Words*>(start);
  const size_t count = (block.size() / kBytes - 1) / 4 * 4;
  Words sums[4] = {};
  for (int64_t time = 0; time < times; time++) {
    for (size_t i = 0; i < count; i += 4) {
      for (size_t j = 0; j < 4; j++) sums[j] += words[i + j];
    }
  }
  sink = static_cast<float>((sums[0] + sums[1] + sums[2] + sums[3])[0]);
}

/** Best of ten times that all threads together read 2 GB past every cache, by the clock on the wall: they share the memory. */
double read_rate(const std::vector<std::vector<char>>& blocks) {
  const int64_t all = static_cast<int64_t>(blocks.size() * blocks[0].size()), times = (2'000'000'000 + all - 1) / all;
  double best = 0;
  for (int round = 0; round < 10; round++) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> pool;
    for (const std::vector<char>& block : blocks) pool.emplace_back([&] { read_block(block, times); });
    for (std::thread& thread : pool) thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::max(best, static_cast<double>(all * times) / took.count());
  }
  return best;
}

void print(const char* name, double rate, const char* end) { std::printf("\"%s\": %.2f%s", name, rate / 1e9, end); }

}  // namespace

int main(int count, char** words) {
  const int threads = count > 1 ? std::max(1, std::atoi(words[1])) : 1;
  std::printf("{");
  print("multiplyAdd", best_rate(threads, multiply_add), ", ");
#if defined(__AVX512BF16__)
  print("bf16", best_rate(threads, multiply_add_bf16), ", ");
#else
  std::printf("\"bf16\": null, ");
#endif
#if defined(__AMX_BF16__)
  if (allow_tiles()) print("tiles", best_rate(threads, multiply_add_tiles), ", ");
  else std::printf("\"tiles\": null, ");
#else
  std::printf("\"tiles\": null, ");
#endif
  std::vector<std::vector<char>> blocks(static_cast<size_t>(threads), std::vector<char>(size_t{256} << 20, 1));
  print("read", read_rate(blocks), ", ");
  print("copy", best_rate(threads, [&](int thread) { return copy(blocks, thread); }), "}\n");
}
