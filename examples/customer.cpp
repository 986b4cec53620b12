// The client: another actor, which finds the server's port and calls it. When it is done it switches the
// machine off.
#include "account.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>
#include <chorus/port.hpp>

extern "C" int main() {
    using namespace chorale;
    KnUniqueId name{};
    if (const int error = find_port(example::bank_name, name, 5000); error != K_OK) {
        print("customer: there is no bank: %d\n", error);
        return 1;
    }
    const chorus::Port bank{name};
    constexpr std::int64_t deposits[]{2500, -700, 42};
    for (const std::int64_t cents : deposits) {
        const auto balance = chorus::call(bank, example::Deposit{3, cents});
        if (!balance) {
            print("customer: the bank does not answer: %d\n", balance.error());
            return 1;
        }
        print("customer: %ld cents make %ld\n", static_cast<long>(cents), static_cast<long>(balance->cents));
    }
    const KnRebootDesc off{K_REBOOT_SUCCESS};
    sysReboot(&off);
    return 0;
}
