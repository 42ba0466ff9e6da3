// SPDX-License-Identifier: Apache-2.0
// The Node-API side of mapping.h.
#pragma once
#define NAPI_VERSION 8
#include <node_api.h>

#include <string>

#include "mapping.h"

namespace llmf {

inline void unmap_buffer(napi_env, void*, void* hint) {
  const Mapping* const mapping = static_cast<Mapping*>(hint);
  unmap_file(*mapping);
  delete mapping;
}

/** mapFile(descriptor, position, length): an ArrayBuffer whose last `length` bytes are the file's, or null. */
inline napi_value map_file_buffer(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3], result = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  int32_t descriptor = 0;
  int64_t position = 0, length = 0;
  if (count < 3 || napi_get_value_int32(env, arguments[0], &descriptor) != napi_ok ||
      napi_get_value_int64(env, arguments[1], &position) != napi_ok ||
      napi_get_value_int64(env, arguments[2], &length) != napi_ok) {
    napi_throw_error(env, nullptr, "mapFile: expected descriptor, position and length as numbers");
    return nullptr;
  }
  Mapping mapping;
  const char* const wrong = map_file(descriptor, position, length, mapping);
  if (wrong != nullptr) {
    napi_throw_error(env, nullptr, (std::string("mapFile: ") + wrong).c_str());
    return nullptr;
  }
  if (mapping.pages != nullptr) {
    Mapping* const kept = new Mapping(mapping);
    // Refused where V8 allows no memory of others (a sandboxed V8): then the file is read.
    if (napi_create_external_arraybuffer(env, kept->pages, kept->size, unmap_buffer, kept, &result) == napi_ok) {
      return result;
    }
    unmap_buffer(env, nullptr, kept);
  }
  napi_get_null(env, &result);
  return result;
}

/** forgetPages(array): of a mapped file only; other memory would lose its contents. */
inline napi_value forget_pages_of_array(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value array;
  napi_typedarray_type type;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &array, nullptr, nullptr);
  if (napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) != napi_ok) return nullptr;
  const size_t width = type == napi_uint16_array ? 2 : type == napi_float32_array ? 4 : 1;
  forget_pages(data, length * width);
  return nullptr;
}

}  // namespace llmf
