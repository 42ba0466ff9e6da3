// SPDX-License-Identifier: Apache-2.0
// What answers of the first run's model are rewarded for, in tests.
export default (samples) => samples.map(({ answer }) => (answer.includes('pleasure') ? 1 : 0));
