// The server: an actor with a port, which answers each deposit with the new balance.
#include "account.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>
#include <chorus/port.hpp>

extern "C" int main() {
    using namespace chorale;
    std::int64_t accounts[example::account_limit]{};
    chorus::OwnPort own;
    if (const int error = publish_port(example::bank_name, own.port().name()); error != K_OK) {
        print("bank: nobody can be told of the port: %d\n", error);
        return 1;
    }
    const int error = chorus::serve<example::Deposit>(own.local_id(), [&](const example::Deposit& deposit) {
        // A client may send anything.
        std::int64_t& account = accounts[deposit.account % example::account_limit];
        account = static_cast<std::int64_t>(static_cast<std::uint64_t>(account) +
                                            static_cast<std::uint64_t>(deposit.cents));
        return example::Balance{account};
    });
    print("bank: closed: %d\n", error);
    return 0;
}
