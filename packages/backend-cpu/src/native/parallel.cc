// SPDX-License-Identifier: Apache-2.0
#include "parallel.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "denormals.h"

namespace llmf {
namespace {

constexpr int kSpins = 4000;  // about 50 µs: longer than the pause between two kernels of a step
constexpr uint32_t kClosed = 1u << 31;
thread_local bool inside_task = false;
thread_local bool is_alone = false;

/** While it exists, its thread runs a task: jobs given then are its own. */
class InsideTask {
 public:
  InsideTask() { inside_task = true; }
  ~InsideTask() { inside_task = before_; }
  InsideTask(const InsideTask&) = delete;
  InsideTask& operator=(const InsideTask&) = delete;

 private:
  const bool before_ = inside_task;
};

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct Job {
  int64_t tasks = 0;
  void (*work)(void*, int64_t) = nullptr;
  void* context = nullptr;
};

class Pool {
 public:
  void resize(int count) {
    std::lock_guard<std::mutex> guard(region_);
    limit_ = count < 1 ? 1 : count;
  }
  int size() const { return limit_; }

  void run(const Job& job) {
    if (job.tasks == 1 || limit_ == 1 || inside_task || is_alone || !region_.try_lock()) {
      run_inline(job);
      return;
    }
    std::lock_guard<std::mutex> guard(region_, std::adopt_lock);
    start_missing_threads();
    job_ = job;
    failure_ = nullptr;
    failed_.store(false, std::memory_order_relaxed);
    failing_.store(false, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    seats_.store(limit_ - 1, std::memory_order_relaxed);
    gate_.store(0, std::memory_order_release);
    wake();
    process();
    gate_.fetch_or(kClosed, std::memory_order_acq_rel);
    for (int spin = 0; gate_.load(std::memory_order_acquire) != kClosed; spin++) {
      if (spin < kSpins) pause();
      else std::this_thread::yield();
    }
    if (failed_.load(std::memory_order_acquire)) std::rethrow_exception(failure_);
  }

 private:
  std::mutex region_;  // held by the thread whose job runs
  std::atomic<int> limit_{1};
  int started_ = 0;

  Job job_;  // written while the gate is closed and nobody is inside
  std::exception_ptr failure_;  // of the first task that threw, written by its thread
  std::atomic<bool> failing_{false}, failed_{false};
  std::atomic<int64_t> next_{0};
  std::atomic<int> seats_{0};
  std::atomic<uint32_t> gate_{kClosed};  // number of workers inside, or closed

  std::mutex sleep_;
  std::condition_variable wakeup_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<int> sleepers_{0};

  static void run_inline(const Job& job) {
    const InsideTask inside;
    for (int64_t task = 0; task < job.tasks; task++) job.work(job.context, task);
  }

  void start_missing_threads() {
    try {
      for (; started_ < limit_ - 1; started_++) std::thread([this] { worker(); }).detach();
    } catch (const std::system_error&) {
      limit_ = started_ + 1;  // the system gives no more: those that run do the work
    }
  }

  void wake() {
    epoch_.fetch_add(1);
    if (sleepers_.load() == 0) return;
    std::lock_guard<std::mutex> guard(sleep_);
    wakeup_.notify_all();
  }

  void process() {
    inside_task = true;
    for (;;) {
      const int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
      if (task >= job_.tasks) break;
      try {
        job_.work(job_.context, task);
      } catch (...) {
        next_.store(job_.tasks, std::memory_order_relaxed);
        if (!failing_.exchange(true)) {
          failure_ = std::current_exception();
          failed_.store(true, std::memory_order_release);
        }
      }
    }
    inside_task = false;
  }

  void worker() {
    FlushDenormals flush;
    uint64_t seen = 0;
    for (;;) {
      seen = wait_for_epoch_after(seen);
      if (!enter()) continue;
      process();
      gate_.fetch_sub(1, std::memory_order_release);
    }
  }

  bool enter() {
    uint32_t inside = gate_.load(std::memory_order_acquire);
    while ((inside & kClosed) == 0) {
      if (!gate_.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel)) continue;
      if (seats_.fetch_sub(1, std::memory_order_relaxed) > 0) return true;
      gate_.fetch_sub(1, std::memory_order_release);  // more threads exist than are allowed now
      return false;
    }
    return false;
  }

  uint64_t wait_for_epoch_after(uint64_t seen) {
    for (int spin = 0; spin < kSpins; spin++) {
      const uint64_t epoch = epoch_.load(std::memory_order_acquire);
      if (epoch != seen) return epoch;
      pause();
    }
    std::unique_lock<std::mutex> lock(sleep_);
    sleepers_.fetch_add(1);
    wakeup_.wait(lock, [&] { return epoch_.load() != seen; });
    sleepers_.fetch_sub(1);
    return epoch_.load();
  }
};

/** Never destroyed: its threads run until the process ends. */
Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

}  // namespace

void set_threads(int count) { pool().resize(count); }
int threads() { return inside_task || is_alone ? 1 : pool().size(); }

Alone::Alone(bool alone) : before_(is_alone) { is_alone = before_ || alone; }
Alone::~Alone() { is_alone = before_; }

Shared::Shared(bool shared) : before_(is_alone) { is_alone = before_ && !shared; }
Shared::~Shared() { is_alone = before_; }

void run_tasks(int64_t tasks, void (*work)(void*, int64_t), void* context) {
  if (tasks > 0) pool().run({tasks, work, context});
}

}  // namespace llmf
