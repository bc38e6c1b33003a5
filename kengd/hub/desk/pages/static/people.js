// Officers, their roles, devices and tokens: forms that go where they say.

import { age } from "./live.js";
import { wireForms } from "./forms.js";

wireForms();
age();
