// From the thread that is in a call to its task: a word of the nucleus's for each thread says.
#pragma once

#include "c_os/process/process.hpp"

namespace chorale::c_os {

// Of the calling thread; one that the program made by threadCreate gets its task at its first call. Null: the
// actor is none of C_OS's, or there is no memory.
[[nodiscard]] Task* current_task();
// Of a thread that has not run yet.
void attach_task(Task& task);
// The calling thread's ends here: thread exit. Returns false when it is the last of its process, which is to
// end then: of two that end at once the second finds itself so. True: the task is gone, and the process is
// ending, which will end the thread.
[[nodiscard]] bool end_task_unless_last(Task& task);

} // namespace chorale::c_os
