// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace llmf {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kSmallestBlock = int64_t{1} << 20;
std::atomic<int64_t> held{0};

struct Block {
  char* data;
  int64_t size;
  int64_t used;
};

struct Arena {
  std::vector<Block> blocks;
  int current = -1;

  ~Arena() {
    for (Block& block : blocks) release(block);
  }

  static void release(Block& block) {
    free_aligned(block.data);
    held.fetch_sub(block.size, std::memory_order_relaxed);
  }

  void* take(int64_t bytes) {
    bytes = (bytes + 63) & ~int64_t{63};
    while (current < 0 || blocks[current].used + bytes > blocks[current].size) advance(bytes);
    char* result = blocks[current].data + blocks[current].used;
    blocks[current].used += bytes;
    return result;
  }

  /** Makes the next block the current one; a block that is free but too small is replaced by a large one. */
  void advance(int64_t bytes) {
    current++;
    if (current < static_cast<int>(blocks.size()) && blocks[current].size >= bytes) return;
    if (current < static_cast<int>(blocks.size())) {
      release(blocks[current]);
      blocks.erase(blocks.begin() + current);
    }
    const int64_t size = bytes > kSmallestBlock ? bytes : kSmallestBlock;
    blocks.insert(blocks.begin() + current, {static_cast<char*>(allocate_aligned(size)), size, 0});
    held.fetch_add(size, std::memory_order_relaxed);
  }
};

thread_local Arena arena;

}  // namespace

Scratch::Scratch() : block_(arena.current), used_(block_ < 0 ? 0 : arena.blocks[block_].used) {}

Scratch::~Scratch() {
  for (int block = block_ + 1; block <= arena.current; block++) arena.blocks[block].used = 0;
  if (block_ >= 0) arena.blocks[block_].used = used_;
  arena.current = block_;
}

void* Scratch::bytes(int64_t count) { return arena.take(count > 0 ? count : 1); }

int64_t scratch_bytes() { return held.load(std::memory_order_relaxed); }

void* allocate_aligned(int64_t bytes) {
  const int64_t alignment = bytes >= kHugePage ? kHugePage : 64;
  void* block = nullptr;
  if (posix_memalign(&block, static_cast<size_t>(alignment), static_cast<size_t>(bytes)) != 0) {
    std::fprintf(stderr, "llmf: out of memory: %lld bytes\n", static_cast<long long>(bytes));
    std::abort();
  }
#if defined(__linux__)
  if (bytes >= kHugePage) madvise(block, static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  return block;
}

void free_aligned(void* block) { std::free(block); }

}  // namespace llmf
