// The walker for this machine's page tables, compiled once.
#include "kernel/mem/page_table.hpp"

namespace chorale {

template class PageTableOf<machine::PageTableGeometry>;

} // namespace chorale
