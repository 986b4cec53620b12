// The tests' mapper.
#include "mapper.hpp"

namespace chorale::test {

std::atomic<Manner> Mapper::manner;
std::atomic<unsigned> Mapper::pulls, Mapper::pushes, Mapper::accesses, Mapper::releases, Mapper::bad;

namespace {

alignas(page) unsigned char contents[Mapper::pages * page];
alignas(page) unsigned char body[2 * page];
alignas(8) unsigned char annex[K_CMSGANNEXSIZE];
std::atomic<bool> release_wanted;
std::atomic<int> served_port;

template <class T>
T read_annex() {
    T value;
    __builtin_memcpy(&value, annex, sizeof value);
    return value;
}

template <class T>
void write_annex(const T& value) {
    __builtin_memset(annex, 0, sizeof annex);
    __builtin_memcpy(annex, &value, sizeof value);
}

VmFlags rights(bool by_request) {
    const Manner manner = Mapper::manner.load();
    VmFlags granted = K_READACCESS;
    if (manner == Manner::no_rights) granted = 0;
    if (manner != Manner::denies_writing && (by_request || manner != Manner::read_only_first))
        granted |= K_WRITEACCESS;
    if (manner == Manner::no_rights) granted = 0;
    return granted | (release_wanted.load() ? K_RELEASE : 0U);
}

bool sensible(VmOffset offset, VmSize size) {
    return offset % page == 0 && size == page && offset + size <= sizeof contents;
}

// Each sets the annex and returns the reply's size.
unsigned answer_pull(KnMsgDesc& reply) {
    const auto request = read_annex<KnMpPullIn>();
    const Manner manner = Mapper::manner.load();
    Mapper::pulls.fetch_add(1);
    if (request.segkey != Mapper::key || !sensible(request.requiredDataOffset, request.requiredDataSize)) {
        Mapper::bad.fetch_add(1);
    }
    KnMpPullInReply answer{};
    answer.diag = manner == Manner::refuses ? mapper_error : 0;
    answer.grantedAccess = rights(false);
    answer.returnAccessOffset = answer.returnDataOffset =
        request.requiredDataOffset + (manner == Manner::wrong_offset ? page : 0);
    answer.returnAccessSize = answer.returnDataSize = page;
    write_annex(answer);
    if (manner == Manner::no_annex) reply.annexAddr = 0;
    reply.bodyAddr = address_of(contents + request.requiredDataOffset);
    return manner == Manner::short_body ? page - 1 : manner == Manner::long_body ? 2 * page : page;
}

unsigned answer_access() {
    const auto request = read_annex<KnMpGetAccess>();
    Mapper::accesses.fetch_add(1);
    if (request.segkey != Mapper::key ||
        !sensible(request.requiredAccessOffset, request.requiredAccessSize) ||
        (request.requiredAccess & K_WRITEACCESS) == 0) {
        Mapper::bad.fetch_add(1);
    }
    KnMpGetAccessReply answer{};
    answer.grantedAccess = rights(true);
    answer.returnAccessOffset = request.requiredAccessOffset;
    answer.returnAccessSize = page;
    write_annex(answer);
    return 0;
}

unsigned answer_push(unsigned size) {
    const auto request = read_annex<KnMpPushOut>();
    Mapper::pushes.fetch_add(1);
    if (request.segkey != Mapper::key || !sensible(request.dataOffset, request.dataSize) || size != page) {
        Mapper::bad.fetch_add(1);
    } else {
        __builtin_memcpy(contents + request.dataOffset, body, page);
    }
    write_annex(KnMpReply{Mapper::manner.load() == Manner::refuses ? mapper_error : 0});
    return 0;
}

unsigned answer(unsigned size, KnMsgDesc& reply) {
    switch (read_annex<int>()) {
    case KN_MPPULLIN:
        return answer_pull(reply);
    case KN_MPGETACCESS:
        return answer_access();
    case KN_MPPUSHOUT:
        return answer_push(size);
    case KN_MPRELEASE:
        Mapper::releases.fetch_add(1);
        break;
    default:
        Mapper::bad.fetch_add(1);
    }
    write_annex(KnMpReply{0});
    return 0;
}

} // namespace

std::uint64_t Mapper::stored(VmSize index) {
    return *reinterpret_cast<const volatile std::uint64_t*>(contents + index * page);
}

void Mapper::run(std::uintptr_t) {
    for (;;) {
        KnMsgDesc message{0, sizeof body, address_of(body), address_of(annex), 0};
        int port = served_port.load();
        const int size = ipcReceive(&message, &port, -1);
        if (size < 0) return;
        while (manner.load() == Manner::never) sleep_milliseconds(1);
        if (manner.load() == Manner::drops) {
            pulls.fetch_add(1);
            continue;
        }
        if (manner.load() == Manner::deletes_port) {
            portDelete(K_MYACTOR, port);
            return;
        }
        KnMsgDesc reply{0, 0, address_of(body), address_of(annex), 0};
        reply.bodySize = answer(static_cast<unsigned>(size), reply);
        if (ipcReply(&reply) != K_OK) bad.fetch_add(1);
    }
}

int Mapper::start(Manner how, KnCpuId cpu, bool wants_release, unsigned priority) {
    manner = how;
    release_wanted = wants_release;
    pulls = pushes = accesses = releases = bad = 0;
    for (VmSize i = 0; i < pages; ++i) {
        const std::uint64_t word = first_word(i);
        __builtin_memcpy(contents + i * page, &word, sizeof word);
    }
    port_li_ = portCreate(K_MYACTOR, &port_);
    if (port_li_ < 0) return port_li_;
    served_port = port_li_;
    const int thread = thread_.start(run, 0, priority, cpu);
    return thread < 0 ? thread : K_OK;
}

void Mapper::stop() {
    thread_.stop();
    if (port_li_ > 0) portDelete(K_MYACTOR, port_li_);
    port_li_ = 0;
}

} // namespace chorale::test
