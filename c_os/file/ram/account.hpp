// What a RAM file system may use: pages and nodes in all, and of each user. Root has no limit of its own.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/base/sync.hpp"

namespace chorale::c_os {

struct InOwners;

// What the nodes of one user use; it goes with the last of them. Under the lock of its Account.
struct Owner : ListNode<InOwners> {
    u32 uid{};
    u64 pages{}, nodes{};
};

struct RamLimits {
    u64 pages{}, nodes{};
    u64 pages_of_user{}, nodes_of_user{}; // 0: none
};

class Account {
  public:
    explicit Account(const RamLimits& limits) : limits_{limits} {}

    // A node of that user. Errors: enospc, edquot, enomem.
    [[nodiscard]] Result<Owner*> add_node(u32 uid);
    // With all its pages.
    void remove_node(Owner& owner, u64 pages);
    // Errors: enospc, edquot.
    [[nodiscard]] Done add_pages(Owner& owner, u64 pages);
    void remove_pages(Owner& owner, u64 pages);
    // The node is another user's now. Errors: edquot, enomem.
    [[nodiscard]] Result<Owner*> move_node(Owner& from, u32 uid, u64 pages);

    struct Used {
        u64 pages, nodes;
    };
    [[nodiscard]] Used used();
    [[nodiscard]] const RamLimits& limits() const { return limits_; }

  private:
    [[nodiscard]] Owner* owner_of(u32 uid);
    [[nodiscard]] bool exceeds(const Owner& owner, u64 pages, u64 nodes) const;
    void forget_if_unused(Owner& owner);

    const RamLimits limits_;
    Mutex mutex_;
    List<Owner, InOwners> owners_;
    u64 pages_{}, nodes_{};
};

// The pages of one node: who takes one pays for it. Under the node's lock.
class Charge {
  public:
    Charge(Account& account, Owner& owner) : account_{account}, owner_{&owner} {}
    ~Charge() { account_.remove_node(*owner_, pages_); }
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;

    // Errors: enospc, edquot.
    [[nodiscard]] Done take(u64 pages);
    void give_back(u64 pages);
    // Errors: as Account::move_node().
    [[nodiscard]] Done move_to(u32 uid);
    [[nodiscard]] u64 pages() const { return pages_; }

  private:
    Account& account_;
    Owner* owner_;
    u64 pages_{};
};

} // namespace chorale::c_os
