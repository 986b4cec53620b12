#include "c_os/file/file_context.hpp"

#include "c_os/file/terminal.hpp"

namespace chorale::c_os {

FileContext::FileContext() = default;

FileContext::~FileContext() = default;

void FileContext::begin(Ref<Node> root, const Credentials& credentials) {
    const Lock lock{mutex_};
    root_ = root;
    current_ = std::move(root);
    credentials_ = credentials;
}

Done FileContext::begin_as_child(FileContext& parent, const Inheritance& inheritance) {
    if (inheritance.descriptors) {
        if (const Done done = files.copy_from(parent.files); !done) return done;
    } else {
        files.set_limit(parent.files.limit());
    }
    for (int i = 0; i < 3; ++i) {
        if (inheritance.standard[i] < 0) continue;
        const Result<FileUse> file = parent.files.use(inheritance.standard[i]);
        if (!file) return failed(file.error());
        if (const Done done = files.put(i, Ref<OpenFile>{**file}, false); !done) return done;
    }
    const Caller caller = parent.caller();
    const JobIdentity job = parent.job();
    Ref<Terminal> terminal = parent.terminal();
    set_file_size_limit(parent.file_size_limit());
    for (const HardLimit each : {HardLimit::files, HardLimit::file_size})
        set_hard_limit(each, parent.hard_limit(each));
    const Lock lock{mutex_};
    credentials_ = inheritance.credentials != nullptr ? *inheritance.credentials : caller.credentials;
    root_ = inheritance.root ? inheritance.root : caller.root;
    current_ = inheritance.current ? inheritance.current : inheritance.root ? root_ : caller.current;
    umask_ = caller.umask;
    job_ = job;
    terminal_ = std::move(terminal);
    return {};
}

Caller FileContext::caller() {
    const Lock lock{mutex_};
    return {credentials_, root_, current_, umask_};
}

Credentials FileContext::credentials() {
    const Lock lock{mutex_};
    return credentials_;
}

void FileContext::set_credentials(const Credentials& credentials) {
    const Lock lock{mutex_};
    credentials_ = credentials;
}

Ref<Node> FileContext::root() {
    const Lock lock{mutex_};
    return root_;
}

Ref<Node> FileContext::current() {
    const Lock lock{mutex_};
    return current_;
}

// What is replaced is let go when the mutex is free.
void FileContext::set_root(Ref<Node> directory) {
    const Lock lock{mutex_};
    std::swap(root_, directory);
}

void FileContext::set_current(Ref<Node> directory) {
    const Lock lock{mutex_};
    std::swap(current_, directory);
}

u32 FileContext::umask() {
    const Lock lock{mutex_};
    return umask_;
}

u32 FileContext::set_umask(u32 mask) {
    const Lock lock{mutex_};
    return std::exchange(umask_, mask & 0777);
}

JobIdentity FileContext::job() {
    const Lock lock{mutex_};
    return job_;
}

void FileContext::set_job(const JobIdentity& job) {
    const Lock lock{mutex_};
    job_ = job;
}

Ref<Terminal> FileContext::terminal() {
    const Lock lock{mutex_};
    return terminal_;
}

void FileContext::set_terminal(Ref<Terminal> terminal) {
    const Lock lock{mutex_};
    std::swap(terminal_, terminal);
}

} // namespace chorale::c_os
