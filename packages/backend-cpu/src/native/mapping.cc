// SPDX-License-Identifier: Apache-2.0
#include "mapping.h"

#if defined(__unix__) || defined(__APPLE__)
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace llmf {
namespace {

/** One mapping, as the handler of a signal may look at it at any moment; `begin` 0: none. */
struct Place {
  std::atomic<uintptr_t> begin{0};
  std::atomic<size_t> size{0};
};

/** Places of all mappings; never freed, so that the handler needs no lock. */
struct Places {
  static constexpr int kCount = 512;
  Place all[kCount];
  std::atomic<Places*> next{nullptr};
};

Places places;
std::atomic<int64_t> lost{0};
struct sigaction before_ours;

/** Zeros in place of what cannot be read, from the page of `address` to the end of its mapping. */
bool replace_pages(uintptr_t address) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (const Places* some = &places; some != nullptr; some = some->next.load(std::memory_order_acquire)) {
    for (const Place& place : some->all) {
      const uintptr_t begin = place.begin.load(std::memory_order_acquire);
      const size_t size = place.size.load(std::memory_order_relaxed);
      if (begin == 0 || address < begin || address - begin >= size) continue;
      const uintptr_t first = address - address % page;
      void* const pages = mmap(reinterpret_cast<void*>(first), begin + size - first, PROT_READ,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      lost.fetch_add(1, std::memory_order_relaxed);
      return pages != MAP_FAILED;
    }
  }
  return false;
}

/** The read is repeated and gives zeros; who computes asks `lost_pages` before it keeps a result. */
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const bool is_ours = info->si_code > 0 && replace_pages(reinterpret_cast<uintptr_t>(info->si_addr));
  errno = saved;
  if (is_ours) return;
  if ((before_ours.sa_flags & SA_SIGINFO) != 0) {
    before_ours.sa_sigaction(signal, info, context);
  } else if (before_ours.sa_handler != SIG_DFL && before_ours.sa_handler != SIG_IGN) {
    before_ours.sa_handler(signal);
  } else {
    sigaction(SIGBUS, &before_ours, nullptr);  // a fault is repeated then, and ends the process as it would have
    if (info->si_code <= 0) raise(SIGBUS);
  }
}

void handle_bus_errors() {
  static const bool once = [] {
    struct sigaction ours = {};
    ours.sa_sigaction = on_bus_error;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    return sigaction(SIGBUS, &ours, &before_ours) == 0;
  }();
  static_cast<void>(once);
}

bool claim(Place& place, uintptr_t begin, size_t size) {
  uintptr_t none = 0;
  // Until the size is known nobody can be in it: 1 is no address of a page.
  if (!place.begin.compare_exchange_strong(none, 1, std::memory_order_acq_rel)) return false;
  place.size.store(size, std::memory_order_relaxed);
  place.begin.store(begin, std::memory_order_release);
  return true;
}

void remember(uintptr_t begin, size_t size) {
  for (Places* some = &places;;) {
    for (Place& place : some->all) {
      if (claim(place, begin, size)) return;
    }
    Places* next = some->next.load(std::memory_order_acquire);
    if (next == nullptr) {
      Places* const more = new Places;
      if (some->next.compare_exchange_strong(next, more, std::memory_order_acq_rel)) next = more;
      else delete more;
    }
    some = next;
  }
}

void forget(uintptr_t begin) {
  for (Places* some = &places; some != nullptr; some = some->next.load(std::memory_order_acquire)) {
    for (Place& place : some->all) {
      if (place.begin.load(std::memory_order_acquire) != begin) continue;
      place.begin.store(1, std::memory_order_release);
      place.size.store(0, std::memory_order_release);
      place.begin.store(0, std::memory_order_release);
      return;
    }
  }
}

}  // namespace

const char* map_file(int descriptor, int64_t position, int64_t wanted, Mapping& mapping) {
  struct stat file;
  if (fstat(descriptor, &file) != 0) return "the descriptor is not open";
  if (position < 0 || wanted <= 0) return "the position is negative or no byte is wanted";
  if (!S_ISREG(file.st_mode)) return nullptr;
  if (wanted > file.st_size || position > file.st_size - wanted) return "the bytes lie beyond the end of the file";
  const int64_t page = sysconf(_SC_PAGESIZE), begin = position - position % page;
  const size_t size = static_cast<size_t>(position - begin + wanted);
  void* const pages = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, static_cast<off_t>(begin));
  if (pages == MAP_FAILED) return nullptr;
  // The disk begins to read: 1 GB not yet cached is computed on 0.7 s sooner, for 0.03 s where it is cached.
  madvise(pages, size, MADV_WILLNEED);
  mapping = {pages, size};
  handle_bus_errors();
  remember(reinterpret_cast<uintptr_t>(pages), size);
  return nullptr;
}

void unmap_file(const Mapping& mapping) {
  forget(reinterpret_cast<uintptr_t>(mapping.pages));
  munmap(mapping.pages, mapping.size);
}

int64_t lost_pages() { return lost.load(std::memory_order_relaxed); }

void forget_pages(void* begin, size_t size) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), address = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t first = (address + page - 1) / page * page, end = (address + size) / page * page;
  if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

}  // namespace llmf

#else

namespace llmf {

const char* map_file(int, int64_t, int64_t, Mapping&) { return nullptr; }

void unmap_file(const Mapping&) {}

int64_t lost_pages() { return 0; }

void forget_pages(void*, size_t) {}

}  // namespace llmf

#endif
