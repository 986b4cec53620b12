#include "kernel/ipc/credits.hpp"

#include "kernel/ipc/message.hpp"

namespace chorale {

namespace {

constinit u32 limit = default_credit_limit; // written before the secondary CPUs start, constant afterwards

[[nodiscard]] u32 price_of(const Message& message) { return 1 + message.page_count; }

} // namespace

void set_credit_limit(u32 credits) { limit = credits; }
u32 credit_limit() { return limit; }

[[gnu::noinline]] bool CreditAccount::charge(Message& message) {
    const u32 price = price_of(message);
    u64 before = word_.load();
    do {
        if ((before & used_mask) + price > limit) return false;
    } while (!word_.replace(before, before + price));
    message.payer = this;
    message.credits = price;
    message.payer_life = static_cast<u32>(before >> life_shift);
    return true;
}

bool CreditAccount::counts(const Message& message) const {
    return message.payer == this && message.payer_life == life();
}

void CreditAccount::settle(Message& message) {
    CreditAccount* const payer = message.payer;
    if (payer == nullptr) return;
    message.payer = nullptr;
    u64 before = payer->word_.load();
    do {
        if (before >> life_shift != message.payer_life) return;
    } while (!payer->word_.replace(before, before - message.credits));
}

} // namespace chorale
