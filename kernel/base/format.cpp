#include "kernel/base/log.hpp"
namespace chorale {
std::size_t format_to(char* b, std::size_t n, std::string_view f, const Argument* a, std::size_t c) {
    std::size_t o = 0, k = 0;
    auto put = [&](char ch) { if (o < n) b[o++] = ch; };
    auto num = [&](u64 v, unsigned base) { char t[24]; unsigned l = 0; do { t[l++] = "0123456789abcdef"[v % base]; v /= base; } while (v); while (l) put(t[--l]); };
    for (std::size_t i = 0; i < f.size(); ++i) {
        if (f[i] == '{' && i + 1 < f.size() && f[i + 1] == '}' && k < c) {
            ++i; const Argument& x = a[k++];
            switch (x.kind()) {
                case Argument::Kind::text: for (char ch : x.text()) put(ch); break;
                case Argument::Kind::hex: put('0'); put('x'); num(x.number(), 16); break;
                case Argument::Kind::natural: num(x.number(), 10); break;
                case Argument::Kind::decimal: { auto s = static_cast<std::int64_t>(x.number()); if (s < 0) { put('-'); num(~x.number() + 1, 10); } else num(x.number(), 10); }
            }
        } else put(f[i]);
    }
    return o;
}
}
