// Within the markup: asks for what the address shows while the modules are on their way.

import { start } from './ahead.js';
import { viewOf } from './link.js';
import { token } from './token.js';

start(viewOf(location.hash), token());
