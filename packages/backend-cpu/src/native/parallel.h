// SPDX-License-Identifier: Apache-2.0
// One pool of threads for the process. Tasks are taken one by one, so a busy neighbour on one core delays one task
// only; what a task computes must depend on its number alone, so that results do not depend on who ran it.
#pragma once
#include <cstdint>

namespace llmf {

/** Threads that work, the caller included. */
void set_threads(int count);

/** Threads that a job given now would be run by. */
int threads();

/** While an object of it with `alone` exists, the thread that made it runs its jobs by itself. */
class Alone {
 public:
  explicit Alone(bool alone);
  ~Alone();
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  const bool before_;
};

/** While an object of it with `shared` exists, jobs of its thread are shared though the call is one that runs alone. */
class Shared {
 public:
  explicit Shared(bool shared);
  ~Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

 private:
  const bool before_;
};

/**
 * Runs work(context, task) for each task in [0, tasks). Inline when nested, or while another thread uses the pool.
 * Throws what the first task that failed threw, once no task runs any more; tasks that had not begun are left out.
 */
void run_tasks(int64_t tasks, void (*work)(void* context, int64_t task), void* context);

template <class Work>
void parallel(int64_t tasks, const Work& work) {
  run_tasks(
      tasks, [](void* context, int64_t task) { (*static_cast<const Work*>(context))(task); },
      const_cast<void*>(static_cast<const void*>(&work)));
}

/** Cuts [0, count) into ranges of `grain`, whatever the number of threads is. */
template <class Work>
void parallel_ranges(int64_t count, int64_t grain, const Work& work) {
  if (count <= 0) return;
  const int64_t tasks = (count + grain - 1) / grain;
  parallel(tasks, [&](int64_t task) {
    const int64_t begin = task * grain;
    work(begin, begin + grain < count ? begin + grain : count);
  });
}

/** Rows per task so that one task touches about 16 Ki elements: long enough to pay for its dispatch. */
inline int64_t rows_per_task(int64_t columns) { return columns >= 16384 ? 1 : 16384 / (columns > 0 ? columns : 1); }

}  // namespace llmf
