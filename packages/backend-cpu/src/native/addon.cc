// SPDX-License-Identifier: Apache-2.0
// The Node-API binding. Each kernel is a JS function that takes the arrays of its signature, null where one is left out;
// its numbers are in `numbers`. A wrong type or a too short array throws an Error.
#define NAPI_VERSION 8
#include <node_api.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <forward_list>
#include <string>
#include <vector>

#include "arguments.h"
#include "denormals.h"
#include "dispatch.h"
#include "map-file.h"
#include "parallel.h"
#include "scratch.h"

namespace {

using namespace llmf;

constexpr size_t kMostArrays = 24;

/** Chosen once per process: worker threads load the addon again. */
const Path& path() {
  static const Path chosen = [] {
    const char* const forced = std::getenv("LLMF_CPU_ISA");
    return choose_path(forced != nullptr && *forced != 0 ? forced : nullptr);
  }();
  return chosen;
}

ElementType element_type(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array: return ElementType::f32;
    case napi_int32_array: return ElementType::i32;
    case napi_uint16_array: return ElementType::u16;
    case napi_uint8_array: return ElementType::u8;
    case napi_int8_array: return ElementType::i8;
    default: return ElementType::none;
  }
}

/** A typed array, or none where JS passed null or anything else. */
Array array_of(napi_env env, napi_value from) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, from, &type, &length, &data, nullptr, nullptr) != napi_ok) return Array{};
  return {element_type(type), data, static_cast<int64_t>(length)};
}

/** What the elements of a call's lists lie in, while it runs. */
using Held = std::forward_list<std::vector<Array>>;

/** [kind, run, parts…] as backend/weight-forms.ts makes it; the parts go to `parts`. */
Array packed_of(napi_env env, napi_value from, Array* parts) {
  static const ElementType kinds[] = {ElementType::f16, ElementType::four_bits, ElementType::eight_bits,
                                      ElementType::blocks, ElementType::groups};
  Array result;
  uint32_t count = 0;
  int64_t numbers[2] = {-1, 1};
  napi_get_array_length(env, from, &count);
  for (uint32_t i = 0; i < count && i < 2 + kMostParts; i++) {
    napi_value value;
    napi_get_element(env, from, i, &value);
    if (i < 2) napi_get_value_int64(env, value, numbers + i);
    else parts[i - 2] = array_of(env, value);
  }
  if (numbers[0] < 0 || numbers[0] >= static_cast<int64_t>(sizeof kinds / sizeof *kinds)) return result;
  result.type = kinds[numbers[0]], result.parts = parts, result.run = numbers[1];
  return result;
}

/** Of an argument: a typed array, a packed weight (a JS array that begins with a number), or a list of both. */
Array argument_of(napi_env env, napi_value from, Held& held) {
  bool is_array = false;
  napi_is_array(env, from, &is_array);
  if (!is_array) return array_of(env, from);
  uint32_t count = 0;
  napi_value first;
  napi_valuetype kind = napi_undefined;
  napi_get_array_length(env, from, &count);
  if (count > 0 && napi_get_element(env, from, 0, &first) == napi_ok) napi_typeof(env, first, &kind);
  held.emplace_front(kind == napi_number ? kMostParts : count);
  Array* const elements = held.front().data();
  if (kind == napi_number) return packed_of(env, from, elements);
  for (uint32_t i = 0; i < count; i++) {
    napi_value value;
    napi_get_element(env, from, i, &value);
    elements[i] = argument_of(env, value, held);
  }
  return {ElementType::list, nullptr, static_cast<int64_t>(count), elements};
}

std::atomic<int64_t> shared_from{0};

/** Bytes of all arrays of a call. */
int64_t bytes_of(const Array* arrays, size_t count) {
  int64_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += arrays[i].length * size_of(arrays[i].type);
    const bool is_list = arrays[i].type == ElementType::list;
    if (arrays[i].parts) bytes += bytes_of(arrays[i].parts, is_list ? static_cast<size_t>(arrays[i].length) : kMostParts);
  }
  return bytes;
}

constexpr int kMostNumbers = 24;

/** One kernel as one thread of JS sees it; lives as long as that thread's exports. */
struct BoundKernel {
  int index;
  const double* numbers;  // written by JS before each call
};

/** An error in JS whose code is ENOMEM. */
napi_value throw_out_of_memory(napi_env env, int64_t bytes) {
  napi_throw_error(env, "ENOMEM", ("there is no memory for " + std::to_string(bytes) + " bytes").c_str());
  return nullptr;
}

napi_value run_kernel(napi_env env, napi_callback_info info) {
  size_t count = kMostArrays;
  napi_value values[kMostArrays];
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const BoundKernel& bound = *static_cast<const BoundKernel*>(data);
  Array arrays[kMostArrays];
  if (count > kMostArrays) count = kMostArrays;
  Held held;
  for (size_t i = 0; i < count; i++) arrays[i] = argument_of(env, values[i], held);
  Arguments call(bound.numbers, kMostNumbers, arrays, static_cast<int>(count));
  try {
    const FlushDenormals flush;
    const Alone alone(bytes_of(arrays, count) < shared_from.load(std::memory_order_relaxed));
    path().kernels[bound.index](call);
  } catch (const OutOfMemory& failure) {
    return throw_out_of_memory(env, failure.bytes);
  } catch (const std::exception& failure) {
    napi_throw_error(env, nullptr, (std::string(kernel_list[bound.index].name) + ": " + failure.what()).c_str());
    return nullptr;
  }
  if (!call.ok()) {
    const std::string message = std::string(kernel_list[bound.index].name) + ": " + call.error();
    napi_throw_error(env, nullptr, message.c_str());
  }
  return nullptr;
}

void free_block(napi_env, void* data, void*) { free_aligned(data); }

/** What any V8 of 64 bits takes as one ArrayBuffer; it ends the process beyond what it does. */
constexpr int64_t kMostBytes = int64_t{1} << 32;

/** allocate(bytes, most): a 64-byte aligned ArrayBuffer with undefined contents; `most` is this V8's limit. */
napi_value allocate(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], result = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  int64_t bytes = 0, most = kMostBytes;
  if (count > 0) napi_get_value_int64(env, arguments[0], &bytes);
  if (count > 1) napi_get_value_int64(env, arguments[1], &most);
  if (bytes < 0 || bytes > most) return throw_out_of_memory(env, bytes);
  void* data = nullptr;
  try {
    data = allocate_aligned(bytes);
  } catch (const OutOfMemory& failure) {
    return throw_out_of_memory(env, failure.bytes);
  }
  if (napi_create_external_arraybuffer(env, data, static_cast<size_t>(bytes), free_block, nullptr, &result) != napi_ok) {
    free_aligned(data);
    napi_throw_error(env, nullptr, "external array buffers are not allowed in this process");
    return nullptr;
  }
  return result;
}

napi_value set_thread_count(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t wanted = 1;
  int64_t bytes = 0;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  napi_get_value_int32(env, arguments[0], &wanted);
  if (count > 1) napi_get_value_int64(env, arguments[1], &bytes);
  set_threads(wanted);
  shared_from.store(bytes, std::memory_order_relaxed);
  return nullptr;
}

napi_value scratch_size(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_int64(env, scratch_bytes(), &result);
  return result;
}

napi_value lost_page_count(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_int64(env, lost_pages(), &result);
  return result;
}

void add_function(napi_env env, napi_value object, const char* name, napi_callback callback, void* data = nullptr) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function);
  napi_set_named_property(env, object, name, function);
}

void add_string(napi_env env, napi_value object, const char* name, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, object, name, value);
}

void add_flag(napi_env env, napi_value object, const char* name, bool flag) {
  napi_value value;
  napi_get_boolean(env, flag, &value);
  napi_set_named_property(env, object, name, value);
}

/** A float64 array that JS and C++ both see. */
double* add_numbers(napi_env env, napi_value object) {
  napi_value buffer, array;
  void* data = nullptr;
  napi_create_arraybuffer(env, kMostNumbers * sizeof(double), &data, &buffer);
  napi_create_typedarray(env, napi_float64_array, kMostNumbers, buffer, 0, &array);
  napi_set_named_property(env, object, "numbers", array);
  napi_ref forever;
  napi_create_reference(env, buffer, 1, &forever);
  return static_cast<double*>(data);
}

void add_kernels(napi_env env, napi_value exports) {
  const double* const numbers = add_numbers(env, exports);
  napi_value kernels, signatures;
  napi_create_object(env, &kernels);
  napi_create_object(env, &signatures);
  BoundKernel* const bound = new BoundKernel[kernel_count];
  napi_set_instance_data(
      env, bound, [](napi_env, void* data, void*) { delete[] static_cast<BoundKernel*>(data); }, nullptr);
  for (int i = 0; path().kernels != nullptr && i < kernel_count; i++) {
    bound[i] = {i, numbers};
    add_function(env, kernels, kernel_list[i].name, run_kernel, bound + i);
    add_string(env, signatures, kernel_list[i].name, kernel_list[i].signature);
  }
  napi_set_named_property(env, exports, "kernels", kernels);
  napi_set_named_property(env, exports, "signatures", signatures);
}

}  // namespace

NAPI_MODULE_INIT() {
  add_string(env, exports, "availablePaths", available_paths());
  add_string(env, exports, "path", path().name);
  add_flag(env, exports, "multipliesBf16", path().multiplies_bf16);
  add_function(env, exports, "allocate", allocate);
  add_function(env, exports, "mapFile", map_file_buffer);
  add_function(env, exports, "forgetPages", forget_pages_of_array);
  add_function(env, exports, "lostPages", lost_page_count);
  add_function(env, exports, "setThreads", set_thread_count);
  add_function(env, exports, "scratchBytes", scratch_size);
  add_kernels(env, exports);
  return exports;
}
