// SPDX-License-Identifier: Apache-2.0
import { describePath } from './describe-path.js';

await describePath('amx-emulated');
