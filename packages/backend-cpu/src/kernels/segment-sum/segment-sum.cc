// SPDX-License-Identifier: Apache-2.0
// y[r] = Σ values[s] over s with response[s] = r, in order of s. float32; response is ascending.

void SegmentSum::run() const {
  memset(y, 0, static_cast<size_t>(segments) * sizeof(float));
  for (int64_t s = 0; s < count; s++) {
    if (response[s] < 0 || response[s] >= segments) return fail("a response index is out of range");
    y[response[s]] += values[s];
  }
}
