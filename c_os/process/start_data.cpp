#include "c_os/process/start_data.hpp"

#include "c_os/base/bytes.hpp"
#include "c_os/base/memory.hpp"
#include "c_os/base/user_memory.hpp"
#include "c_os/file/random.hpp"
#include "c_os/process/process.hpp"

#include <actor/environment.hpp>
#include <am/afexec.h>
#include <mem/chMem.h>
#include <program_format.hpp>

namespace chorale::c_os {

namespace {

// The auxiliary vector (elf.h).
enum : u64 {
    at_null = 0,
    at_phdr = 3,
    at_phent = 4,
    at_phnum = 5,
    at_pagesz = 6,
    at_base = 7,
    at_entry = 9,
    at_uid = 11,
    at_euid = 12,
    at_gid = 13,
    at_egid = 14,
    at_platform = 15,
    at_hwcap = 16,
    at_clktck = 17,
    at_secure = 23,
    at_random = 25,
    at_execfn = 31,
};
constexpr u64 program_header_size = 56;
constexpr std::size_t random_bytes = 16;
constexpr u64 default_stack_size = u64{8} << 20; // its pages come when they are touched

[[nodiscard]] u64 stack_size() {
    constexpr u64 least = StartStrings::size_limit + 4 * page_size, most = u64{1} << 32;
    const u64 wanted = environment_number("am.afexec.userstacksize", default_stack_size);
    return round_up(wanted < least ? least : wanted > most ? most : wanted, page_size);
}

// The stack's upper end is put together in C_OS and copied in one piece. From low to high: argc, argv, envp,
// auxiliary vector, random bytes, path, machine, strings.
class StackImage {
  public:
    StackImage(u64 top, const StartStrings& strings, std::string_view path) : strings_{strings}, path_{path} {
        strings_at_ = top - strings.text().size();
        machine_at_ = strings_at_ - machine_name.size() - 1;
        path_at_ = machine_at_ - path.size() - 1;
        random_at_ = round_down(path_at_ - random_bytes, 16);
        constexpr std::size_t auxiliary_words = 2 * 17;
        const std::size_t words = 1 + strings.arguments() + 1 + strings.variables() + 1 + auxiliary_words;
        begin_ = round_down(random_at_ - words * sizeof(u64), 16);
        size_ = top - begin_;
    }
    StackImage(const StackImage&) = delete;
    StackImage& operator=(const StackImage&) = delete;
    ~StackImage() { delete[] bytes_; }

    [[nodiscard]] Done fill(Process& process, const Program& program) {
        bytes_ = new (std::nothrow) std::byte[size_];
        if (bytes_ == nullptr) return failed(Error::enomem);
        clear_bytes(bytes_, size_);
        put_text(strings_at_, strings_.text());
        put_text(machine_at_, machine_name);
        put_text(path_at_, path_);
        const u64 random[2] = {random_word(), random_word()};
        copy_bytes(bytes_ + (random_at_ - begin_), random, sizeof random);
        put_vectors();
        put_auxiliary(process, program);
        return {};
    }
    [[nodiscard]] u64 begin() const { return begin_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] const std::byte* bytes() const { return bytes_; }

  private:
    void put_text(u64 address, std::string_view text) {
        copy_bytes(bytes_ + (address - begin_), text.data(), text.size());
    }
    void put(u64 word) {
        copy_bytes(bytes_ + next_, &word, sizeof word);
        next_ += sizeof word;
    }
    void put(u64 type, u64 value) {
        put(type);
        put(value);
    }
    void put_vectors() {
        const std::string_view text = strings_.text();
        std::size_t at = 0;
        const auto put_strings = [&](std::size_t count) {
            for (std::size_t i = 0; i < count; ++i) {
                put(strings_at_ + at);
                at += __builtin_strlen(text.data() + at) + 1;
            }
            put(0);
        };
        put(strings_.arguments());
        put_strings(strings_.arguments());
        put_strings(strings_.variables());
    }
    void put_auxiliary(Process& process, const Program& program) {
        const Credentials credentials = process.files.credentials();
        if (program.headers != 0) put(at_phdr, program.headers);
        put(at_phent, program_header_size);
        put(at_phnum, program.header_count);
        put(at_pagesz, page_size);
        put(at_base, 0);
        put(at_entry, program.entry);
        put(at_uid, credentials.real_uid);
        put(at_euid, credentials.uid);
        put(at_gid, credentials.real_gid);
        put(at_egid, credentials.gid);
        put(at_platform, machine_at_);
        put(at_hwcap, 0);
        put(at_clktck, 100);
        put(at_secure, 0);
        put(at_random, random_at_);
        put(at_execfn, path_at_);
        put(at_null, 0);
    }

    const StartStrings& strings_;
    std::string_view path_;
    u64 strings_at_{}, machine_at_{}, path_at_{}, random_at_{}, begin_{};
    std::size_t size_{}, next_{};
    std::byte* bytes_{};
};

} // namespace

StartStrings::~StartStrings() { delete[] text_; }

Done StartStrings::reserve() {
    if (text_ == nullptr) text_ = new (std::nothrow) char[size_limit];
    if (text_ == nullptr) return failed(Error::enomem);
    return {};
}

Done StartStrings::add(std::string_view text) {
    if (const Done done = reserve(); !done) return done;
    const std::size_t pointers = (arguments_ + variables_ + 1) * sizeof(u64);
    if (arguments_ + variables_ == count_limit || used_ + text.size() + 1 + pointers > size_limit)
        return failed(Error::e2big);
    copy_bytes(text_ + used_, text.data(), text.size());
    used_ += text.size();
    text_[used_++] = '\0';
    return {};
}

Done StartStrings::add_argument(std::string_view text) {
    if (const Done done = add(text); !done) return done;
    ++arguments_;
    return {};
}

Done StartStrings::add_variable(std::string_view text) {
    if (const Done done = add(text); !done) return done;
    ++variables_;
    return {};
}

Result<std::size_t> StartStrings::add_array(u64 array) {
    if (array == 0) return 0;
    if (const Done done = reserve(); !done) return failed(done.error());
    for (std::size_t count = 0;; ++count, array += sizeof(u64)) {
        const Result<u64> pointer = get_from_user<u64>(array);
        if (!pointer) return failed(pointer.error());
        if (*pointer == 0) return count;
        const std::size_t pointers = (arguments_ + variables_ + count + 1) * sizeof(u64);
        if (count == count_limit || used_ + pointers >= size_limit) return failed(Error::e2big);
        const std::size_t room = size_limit - used_ - pointers;
        const int length = copy_string_in(text_ + used_, *pointer, room);
        if (length == K_ENOMEM) return failed(Error::e2big);
        if (length < 0) return failed(Error::efault);
        used_ += static_cast<std::size_t>(length);
    }
}

Done StartStrings::add_from_user(u64 arguments, u64 environment) {
    Result<std::size_t> count = add_array(arguments);
    if (!count) return failed(count.error());
    arguments_ += *count;
    count = add_array(environment);
    if (!count) return failed(count.error());
    variables_ += *count;
    return arguments_ + variables_ > count_limit ? Done{failed(Error::e2big)} : Done{};
}

// The block is copied first, so that it cannot change between the check and the use.
Done StartStrings::add_packed(u64 address) {
    const Result<AlParam> head = get_from_user<AlParam>(address);
    if (!head) return failed(head.error());
    const u64 count = u64{head->alArgc} + head->alEnvc;
    if (head->alSize < sizeof *head || count > count_limit) return failed(Error::einval);
    const std::size_t size = head->alSize - sizeof *head;
    if (size + (count + 1) * sizeof(u64) > size_limit) return failed(Error::e2big);
    if (const Done done = reserve(); !done) return done;
    if (const Done done = copy_in(text_, address + sizeof *head, size); !done) return done;
    std::size_t strings = 0;
    for (std::size_t i = 0; i < size; ++i) strings += text_[i] == '\0' ? 1 : 0;
    if (strings != count || (size != 0 && text_[size - 1] != '\0')) return failed(Error::einval);
    used_ = size;
    arguments_ = head->alArgc;
    variables_ = head->alEnvc;
    return {};
}

std::string_view StartStrings::first() const {
    return arguments_ == 0 ? std::string_view{} : std::string_view{text_};
}

Result<u64> make_stack(Process& process, const Program& program, const StartStrings& strings,
                       std::string_view path) {
    const u64 top = process.space.stack_top(), size = stack_size();
    StackImage image{top, strings, path};
    if (image.size() + page_size > size) return failed(Error::e2big);
    if (const Done done = process.space.allocate(top - size, size, prot_read | prot_write); !done)
        return failed(Error::enomem);
    if (const Done done = image.fill(process, program); !done) return failed(done.error());
    const int status = vmCopy(K_SVACTOR, reinterpret_cast<VmAddr>(image.bytes()), &process.capability,
                              image.begin(), image.size(), 0);
    if (status != K_OK) return failed(Error::enomem);
    return image.begin();
}

Result<u64> make_parameters(const Process& process, const StartStrings& strings) {
    const std::string_view text = strings.text();
    const AlParam head{static_cast<unsigned>(sizeof(AlParam) + text.size()),
                       static_cast<unsigned>(strings.arguments()),
                       static_cast<unsigned>(strings.variables())};
    KnRgnDesc region{0, head.alSize, K_WRITABLE | K_FILLZERO | K_ANYWHERE | K_NODEMAND, 0, nullptr, 0};
    if (rgnAllocate(&process.capability, &region) != K_OK) return failed(Error::enomem);
    auto* const place = reinterpret_cast<std::byte*>(region.startAddr);
    copy_bytes(place, &head, sizeof head);
    copy_bytes(place + sizeof head, text.data(), text.size());
    return region.startAddr;
}

} // namespace chorale::c_os
