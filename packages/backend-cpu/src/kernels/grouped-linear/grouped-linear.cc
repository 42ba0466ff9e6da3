// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts: row s of x [S, K] goes through the layer of its group g, starts[g] ≤ s < starts[g + 1], as `linear`
// and its gradients compute it, in one call. With many groups each is one task; few share their products among the threads.

/** Work on each group that has rows: (group, its first row, how many). Starts rise from 0 to `rows`. */
template <class Call, class Work>
void for_each_group(const Call& call, const Work& work) {
  const int32_t* const starts = call.starts;
  bool rises = starts[0] == 0 && starts[call.groups] == call.rows;
  for (int64_t g = 0; g < call.groups; g++) rises = rises && starts[g] <= starts[g + 1];
  if (!rises) return call.fail("the starts of groups do not rise from 0 to the number of rows");
  int64_t busy = 0;
  for (int64_t g = 0; g < call.groups; g++) busy += starts[g + 1] > starts[g];
  const auto one = [&](int64_t g) {
    if (starts[g + 1] > starts[g]) work(g, starts[g], starts[g + 1] - starts[g]);
  };
  if (busy >= 4 * threads()) return parallel(call.groups, one);
  for (int64_t g = 0; g < call.groups; g++) one(g);
}

/** What a group's layer has of its own; no factors: no low-rank update. */
template <class Layer, class Call>
Layer layer_of(const Call& call, int64_t group, int64_t rows) {
  Layer layer;
  layer.arguments = call.arguments;
  layer.tokens = rows, layer.inputs = call.inputs, layer.outputs = call.outputs;
  layer.scale = call.scale, layer.rounds = call.rounds;
  layer.a = call.a ? call.a[group] : nullptr, layer.b = call.b ? call.b[group] : nullptr;
  layer.rank = layer.a ? call.rank : 0;
  return layer;
}

void GroupedLinear::run() const {
  for_each_group(*this, [&](int64_t group, int64_t first, int64_t count) {
    Linear layer = layer_of<Linear>(*this, group, count);
    layer.weight = weights[group], layer.panels = panels ? panels[group] : nullptr;
    layer.x = x + first * inputs, layer.y = y + first * outputs;
    if (image && layer.a) layer.image = image + first * rank;
    layer.run();
  });
}

void GroupedLinearInputGradient::run() const {
  for_each_group(*this, [&](int64_t group, int64_t first, int64_t count) {
    LinearInputGradient layer = layer_of<LinearInputGradient>(*this, group, count);
    layer.weight = weights[group], layer.panels = panels ? panels[group] : nullptr;
    layer.dy = dy + first * outputs, layer.dx = dx + first * inputs;
    if (image && layer.a) layer.image = image + first * rank;
    layer.run();
  });
}

void GroupedLinearWeightGradient::run() const {
  for (int64_t g = 0; g < groups; g++) {
    if (starts[g + 1] <= starts[g]) memset(d_weights[g], 0, static_cast<size_t>(outputs * inputs) * sizeof(float));
  }
  for_each_group(*this, [&](int64_t group, int64_t first, int64_t count) {
    LinearWeightGradient layer;
    layer.arguments = arguments;
    layer.tokens = count, layer.inputs = inputs, layer.outputs = outputs, layer.rounds = rounds;
    layer.dy = dy + first * outputs, layer.x = x + first * inputs, layer.d_weight = d_weights[group];
    layer.run();
  });
}

void GroupedLinearLowRankGradient::run() const {
  for (int64_t g = 0; g < groups; g++) {
    if (starts[g + 1] > starts[g] || !d_a[g]) continue;
    memset(d_a[g], 0, static_cast<size_t>(rank * inputs) * sizeof(float));
    memset(d_b[g], 0, static_cast<size_t>(outputs * rank) * sizeof(float));
  }
  for_each_group(*this, [&](int64_t group, int64_t first, int64_t count) {
    if (!a[group]) return;
    LinearLowRankGradient layer = layer_of<LinearLowRankGradient>(*this, group, count);
    layer.dy = dy + first * outputs, layer.x = x + first * inputs;
    layer.x_image = x_image ? x_image + first * rank : nullptr;
    layer.dy_image = dy_image ? dy_image + first * rank : nullptr;
    layer.d_a = d_a[group], layer.d_b = d_b[group];
    layer.run();
  });
}
