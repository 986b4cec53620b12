#include "c_os/file/ram/account.hpp"

#include "c_os/base/memory.hpp"

namespace chorale::c_os {

Owner* Account::owner_of(u32 uid) {
    for (Owner* owner = owners_.front(); owner != nullptr; owner = owners_.next(*owner))
        if (owner->uid == uid) return owner;
    auto* const owner = new (std::nothrow) Owner;
    if (owner == nullptr) return nullptr;
    owner->uid = uid;
    owners_.push_back(*owner);
    return owner;
}

// Sums cannot wrap: what is used lies within the limits, and nobody asks for more than a file holds.
bool Account::exceeds(const Owner& owner, u64 pages, u64 nodes) const {
    if (owner.uid == 0) return false;
    return (pages != 0 && limits_.pages_of_user != 0 && owner.pages + pages > limits_.pages_of_user) ||
           (nodes != 0 && limits_.nodes_of_user != 0 && owner.nodes + nodes > limits_.nodes_of_user);
}

void Account::forget_if_unused(Owner& owner) {
    if (owner.nodes != 0) return;
    List<Owner, InOwners>::remove(owner);
    delete &owner;
}

Result<Owner*> Account::add_node(u32 uid) {
    const Lock lock{mutex_};
    if (nodes_ >= limits_.nodes) return failed(Error::enospc);
    Owner* const owner = owner_of(uid);
    if (owner == nullptr) return failed(Error::enomem);
    if (exceeds(*owner, 0, 1)) {
        forget_if_unused(*owner);
        return failed(Error::edquot);
    }
    ++owner->nodes;
    ++nodes_;
    return owner;
}

void Account::remove_node(Owner& owner, u64 pages) {
    const Lock lock{mutex_};
    pages_ -= pages;
    owner.pages -= pages;
    --nodes_;
    --owner.nodes;
    forget_if_unused(owner);
}

Done Account::add_pages(Owner& owner, u64 pages) {
    const Lock lock{mutex_};
    if (pages > limits_.pages - pages_) return failed(Error::enospc);
    if (exceeds(owner, pages, 0)) return failed(Error::edquot);
    pages_ += pages;
    owner.pages += pages;
    return {};
}

void Account::remove_pages(Owner& owner, u64 pages) {
    const Lock lock{mutex_};
    pages_ -= pages;
    owner.pages -= pages;
}

Result<Owner*> Account::move_node(Owner& from, u32 uid, u64 pages) {
    const Lock lock{mutex_};
    if (from.uid == uid) return &from;
    Owner* const to = owner_of(uid);
    if (to == nullptr) return failed(Error::enomem);
    if (exceeds(*to, pages, 1)) {
        forget_if_unused(*to);
        return failed(Error::edquot);
    }
    to->pages += pages;
    ++to->nodes;
    from.pages -= pages;
    --from.nodes;
    forget_if_unused(from);
    return to;
}

Account::Used Account::used() {
    const Lock lock{mutex_};
    return {pages_, nodes_};
}

Done Charge::take(u64 pages) {
    if (const Done done = account_.add_pages(*owner_, pages); !done) return done;
    pages_ += pages;
    return {};
}

void Charge::give_back(u64 pages) {
    account_.remove_pages(*owner_, pages);
    pages_ -= pages;
}

Done Charge::move_to(u32 uid) {
    const Result<Owner*> owner = account_.move_node(*owner_, uid, pages_);
    if (!owner) return failed(owner.error());
    owner_ = *owner;
    return {};
}

} // namespace chorale::c_os
