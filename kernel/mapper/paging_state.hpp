// What a thread has to do with pages that come from mappers (kernel/mapper/paging.hpp).
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/protection.hpp"

namespace chorale {

struct Thread;

struct Paging {
    VirtAddr missed{}; // a copy of the nucleus's needed this page; zero: none
    Protection access{};
    VirtAddr awaited{};      // the page that it waited for last
    VirtAddr refused{};      // it did not come: the next access to it fails
    bool failed{};           // the same, for a call that asked by itself
    u64 arguments[6]{};      // of the call under way, if it was given memory
    void (*then)(Thread&){}; // how the call goes on; null: the program tries again
};

} // namespace chorale
