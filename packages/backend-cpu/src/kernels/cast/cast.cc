// SPDX-License-Identifier: Apache-2.0
// int32 and bool (one byte) to float32.

void CastIntegers::run() const {
  for (int64_t i = 0; i < count; i++) y[i] = static_cast<float>(x[i]);
}

void CastBytes::run() const {
  for (int64_t i = 0; i < count; i++) y[i] = static_cast<float>(x[i]);
}
