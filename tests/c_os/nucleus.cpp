// The nucleus that C_OS calls in its tests: locks and semaphores of the host, memory that fails when told to.
#include "nucleus.hpp"

#include <dki/f_dki.h>
#include <exec/chIo.h>
#include <exec/chTime.h>
#include <log/chLog.h>
#include <mem/chMem.h>
#include <sync/chMutex.h>
#include <sync/chSem.h>

#include <chrono>
#include <condition_variable>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

namespace chorale::c_os::test {
namespace {

alignas(4096) std::byte user_bytes[user_size];
std::atomic<u64> user_end{user_base + user_size};

std::atomic<u64> allocations_left{};
std::atomic<bool> failed_once{};
std::atomic<u64> pages{};

std::mutex world; // all below
std::condition_variable changed;
thread_local Abort* own_abort{};

std::atomic<std::int64_t> seconds{1'000'000'000};
std::string written, typed, logged;

[[nodiscard]] bool in_user(u64 address, std::size_t size) {
    return address >= user_base && address <= user_end && size <= user_end - address;
}

} // namespace

bool allocation_fails_now() {
    u64 left = allocations_left.load();
    while (left != 0)
        if (allocations_left.compare_exchange_weak(left, left - 1)) {
            if (left == 1) failed_once = true;
            return left == 1;
        }
    return false;
}

std::byte* user_memory() { return user_bytes; }
void set_user_end(u64 address) { user_end = address; }

void fail_allocation_after(u64 count) {
    failed_once = false;
    allocations_left = count;
}
bool allocation_failed() { return failed_once; }
u64 living_pages() { return pages; }

void set_abort(Abort* abort) { own_abort = abort; }
void abort_wait(Abort& abort) {
    const std::lock_guard lock{world};
    ++abort.asked;
    changed.notify_all();
}

TimeStamp file_time() { return {seconds, 5}; }
void set_file_time(std::int64_t to) { seconds = to; }

std::string console_output() {
    const std::lock_guard lock{world};
    return std::exchange(written, {});
}
void type(std::string_view text) {
    const std::lock_guard lock{world};
    typed += text;
    changed.notify_all();
}
std::string log_text() {
    const std::lock_guard lock{world};
    return std::exchange(logged, {});
}

} // namespace chorale::c_os::test

using namespace chorale::c_os::test;

extern "C" {

int mutexGet(KnMutex* mutex) {
    const std::atomic_ref word{mutex->mtWord.value};
    for (unsigned free = 1; !word.compare_exchange_strong(free, 0); free = 1) word.wait(0);
    return K_OK;
}

int mutexRel(KnMutex* mutex) {
    const std::atomic_ref word{mutex->mtWord.value};
    word.store(1);
    word.notify_one();
    return K_OK;
}

int semP(KnSem* semaphore, const KnTimeVal* limit) {
    std::unique_lock lock{world};
    Abort* const abort = own_abort;
    const auto over = [&] { return semaphore->smWord.value != 0 || (abort != nullptr && abort->asked != 0); };
    if (limit == K_NOTIMEOUT)
        changed.wait(lock, over);
    else if (!changed.wait_for(
                 lock, std::chrono::seconds{limit->tmSec} + std::chrono::nanoseconds{limit->tmNSec}, over))
        return K_ETIMEOUT;
    if (semaphore->smWord.value == 0) {
        --abort->asked;
        return K_EABORT;
    }
    --semaphore->smWord.value;
    return K_OK;
}

int semV(KnSem* semaphore) {
    const std::lock_guard lock{world};
    ++semaphore->smWord.value;
    changed.notify_all();
    return K_OK;
}

int svCopyIn(VmAddr from, void* to, int size) {
    if (size < 0 || !in_user(from, static_cast<std::size_t>(size))) return K_EFAULT;
    std::memcpy(to, user_bytes + (from - user_base), static_cast<std::size_t>(size));
    return K_OK;
}

int svCopyOut(const void* from, VmAddr to, int size) {
    if (size < 0 || !in_user(to, static_cast<std::size_t>(size))) return K_EFAULT;
    std::memcpy(user_bytes + (to - user_base), from, static_cast<std::size_t>(size));
    return K_OK;
}

int svCopyInString(VmAddr from, char* to, int size) {
    for (int i = 0; i < size; ++i) {
        if (svCopyIn(from + static_cast<VmAddr>(i), to + i, 1) != K_OK) return K_EFAULT;
        if (to[i] == '\0') return i + 1;
    }
    return K_ENOMEM;
}

int svCopyInside(const void*, void*, int) { return K_EFAULT; }

int svPagesAllocate(VmAddr* address, VmSize size, VmFlags, const KnCap*) {
    if (allocation_fails_now()) return K_ENOMEM;
    void* const memory = std::aligned_alloc(chorale::page_size, size);
    std::memset(memory, 0, size);
    *address = reinterpret_cast<VmAddr>(memory);
    ++pages;
    return K_OK;
}

int svPagesFree(VmAddr address, VmSize) {
    --pages;
    std::free(reinterpret_cast<void*>(address));
    return K_OK;
}

int sysTime(KnTimeVal* time) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(now);
    time->tmSec = whole.count();
    time->tmNSec = std::chrono::nanoseconds{now - whole}.count();
    return K_OK;
}

int sysWrite(const void* text, unsigned size) {
    const std::lock_guard lock{world};
    written.append(static_cast<const char*>(text), size);
    return static_cast<int>(size);
}

int sysRead(void* to, unsigned size) {
    std::unique_lock lock{world};
    Abort* const abort = own_abort;
    changed.wait(lock, [&] { return !typed.empty() || (abort != nullptr && abort->asked != 0); });
    if (typed.empty()) return K_EABORT;
    if (size != 1) std::abort();
    *static_cast<char*>(to) = typed.front();
    typed.erase(0, 1);
    return 1;
}

void sysLog(const char* format, ...) {
    char line[SYSLOG_MAX_LINE + 1];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const std::lock_guard lock{world};
    logged += line;
}

} // extern "C"
