// Boot-time changes to the nucleus's text.
#pragma once

namespace chorale::machine {

// Once the MMU's abilities are known, while the text is still writable.
void patch_nucleus();

} // namespace chorale::machine
