// SPDX-License-Identifier: Apache-2.0
import { allocateJoined } from './budget.js';

/** Text as it is written, of the template itself or of a part that is captured. */
export class Output {
  text = '';

  write(text: string): void {
    if (text === '') return;
    allocateJoined(this.text.length, text.length);
    this.text += text;
  }
}
