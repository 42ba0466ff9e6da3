// SPDX-License-Identifier: Apache-2.0
// Lengths that signatures state of arrays with strides. Included inside the namespace of an instruction path.

// They are computed as floating-point numbers, which do not overflow.

/** Elements of an array of these sizes; 0 where one is negative. */
inline double elements(int64_t axes, const int32_t* sizes) {
  double count = 1;
  for (int64_t axis = 0; axis < axes; axis++) count *= sizes[axis] > 0 ? sizes[axis] : 0;
  return count;
}

/** Elements from the first one to the last one that these strides reach; more than there can be where one leads back. */
inline double reach(int64_t axes, const int32_t* sizes, const int32_t* strides) {
  if (elements(axes, sizes) == 0) return 0;
  double last = 0;
  for (int64_t axis = 0; axis < axes; axis++) {
    if (strides[axis] < 0 && sizes[axis] > 1) return __builtin_inf();
    last += (static_cast<double>(sizes[axis]) - 1) * strides[axis];
  }
  return last + 1;
}
inline double reach_from(int64_t offset, int64_t axes, const int32_t* sizes, const int32_t* strides) {
  const double length = reach(axes, sizes, strides);
  return length > 0 ? static_cast<double>(offset) + length : 0;
}

/** Blocks of which the last one may be shorter; more than there can be where their size is no size. */
inline double blocks_of(int64_t count, int64_t block_size) {
  return block_size > 0 ? static_cast<double>(ceil_divide(count, block_size)) : __builtin_inf();
}

/** Elements of a batch of matrices, each `stride` after the one before it. */
inline double of_batch(double batch, double stride, double matrix) { return batch > 0 ? (batch - 1) * stride + matrix : 0; }
